//! A DNS server on loopback that says what it is told to say.

use hickory_resolver::proto::{
    op::{Message, OpCode, Query, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::watch,
};

/// How it answers one question.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// With these records, of the name that was asked for.
    Records(Vec<Record>),
    /// With this code and nothing else.
    Code(ResponseCode),
    /// Over UDP, that there is more than fits; over TCP with these records.
    Truncated(Vec<Record>),
    /// Over UDP first with what is no answer at all, then with these records.
    AfterNoise(Vec<Record>),
    /// With the header of an answer and no more than that.
    Cut,
    /// Not at all.
    Silence,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    replies: Arc<Mutex<HashMap<(String, RecordType), Reply>>>,
    asked: Arc<watch::Sender<Vec<Asked>>>,
}

/// A question that came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) kind: RecordType,
    pub(super) tcp: bool,
}

impl Server {
    pub(super) async fn start() -> Self {
        let (udp, tcp) = sockets().await;
        let server = Self {
            address: udp.local_addr().expect("it is bound"),
            replies: Arc::default(),
            asked: Arc::new(watch::Sender::new(Vec::new())),
        };
        tokio::spawn(server.clone().serve_udp(udp));
        tokio::spawn(server.clone().serve_tcp(tcp));
        server
    }

    /// Answers so from now on; what it was told nothing of has NXDOMAIN.
    pub(super) fn says(&self, name: &str, kind: RecordType, reply: Reply) {
        let key = (name.to_owned(), kind);
        self.replies
            .lock()
            .expect("no test panicked")
            .insert(key, reply);
    }

    /// A records, and that there are no AAAA records.
    pub(super) fn has(&self, name: &str, ttl: u32, addresses: &[[u8; 4]]) {
        let records = addresses.iter().map(|address| a(name, ttl, *address));
        self.says(name, RecordType::A, Reply::Records(records.collect()));
        self.says(name, RecordType::AAAA, Reply::Code(ResponseCode::NoError));
    }

    /// What it says of both kinds of addresses.
    pub(super) fn says_both(&self, name: &str, reply: Reply) {
        self.says(name, RecordType::A, reply.clone());
        self.says(name, RecordType::AAAA, reply);
    }

    /// Everything that it was asked.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// Ends once so many questions have come.
    pub(super) async fn was_asked(&self, count: usize) {
        let mut asked = self.asked.subscribe();
        asked
            .wait_for(|asked| asked.len() >= count)
            .await
            .expect("it runs");
    }

    async fn serve_udp(self, udp: UdpSocket) {
        let mut buffer = [0; 4096];
        loop {
            let (length, peer) = udp.recv_from(&mut buffer).await.expect("it is open");
            for packet in self.packets(&buffer[..length], false) {
                udp.send_to(&packet, peer).await.expect("it is open");
            }
        }
    }

    async fn serve_tcp(self, tcp: TcpListener) {
        loop {
            let (stream, _) = tcp.accept().await.expect("it is open");
            let server = self.clone();
            // A client that goes away in between is none of this server's troubles.
            tokio::spawn(async move { server.serve_stream(stream).await.ok() });
        }
    }

    async fn serve_stream(self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let length = stream.read_u16().await?;
            let mut request = vec![0; length.into()];
            stream.read_exact(&mut request).await?;
            for packet in self.packets(&request, true) {
                let length = u16::try_from(packet.len()).expect("it fits");
                stream.write_u16(length).await?;
                stream.write_all(&packet).await?;
            }
        }
    }

    /// What it sends back.
    fn packets(&self, request: &[u8], tcp: bool) -> Vec<Vec<u8>> {
        let request = Message::from_vec(request).expect("hickory speaks DNS");
        let query = request.queries.first().expect("it asks something").clone();
        let (name, kind) = (query.name().to_ascii(), query.query_type());
        self.asked.send_modify(|asked| {
            let name = name.clone();
            asked.push(Asked { name, kind, tcp });
        });
        let reply = self.replies.lock().expect("no test panicked");
        let reply = reply.get(&(name, kind)).cloned();
        let mut answer = Message::response(request.id, OpCode::Query);
        answer.add_query(query.clone());
        match reply.unwrap_or(Reply::Code(ResponseCode::NXDomain)) {
            Reply::Silence => return Vec::new(),
            Reply::Code(code) => answer.metadata.response_code = code,
            Reply::Truncated(_) if !tcp => answer.metadata.truncation = true,
            Reply::Records(records) | Reply::Truncated(records) => {
                answer.add_answers(records);
            }
            Reply::AfterNoise(records) => {
                let noise = noise(&request, &query);
                answer.add_answers(records);
                return noise.into_iter().chain([wire(&answer)]).collect();
            }
            Reply::Cut => {
                answer.add_answers([a("cut.test.", 60, [10, 0, 0, 1])]);
                let mut packet = wire(&answer);
                packet.truncate(packet.len() - 5);
                return vec![packet];
            }
        }
        vec![wire(&answer)]
    }
}

/// No packet at all, random bytes, an answer of another question, and one to another.
fn noise(request: &Message, query: &Query) -> Vec<Vec<u8>> {
    let forged = a(&query.name().to_ascii(), 60, [6, 6, 6, 6]);
    let mut other_id = Message::response(request.id.wrapping_add(1), OpCode::Query);
    other_id.add_query(query.clone()).add_answer(forged.clone());
    let mut other_question = Message::response(request.id, OpCode::Query);
    let name = Name::from_ascii("other.test.").expect("a name");
    other_question
        .add_query(Query::query(name, query.query_type()))
        .add_answer(forged);
    let bytes = (0..40_u8).map(|nth| 0xa5 ^ nth.wrapping_mul(7)).collect();
    vec![Vec::new(), bytes, wire(&other_id), wire(&other_question)]
}

fn wire(message: &Message) -> Vec<u8> {
    message.to_vec().expect("it can be written")
}

/// One port of both kinds.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = tcp.local_addr().expect("it is bound");
        if let Ok(udp) = UdpSocket::bind(address).await {
            return (udp, tcp);
        }
    }
}

fn record(name: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(Name::from_ascii(name).expect("a name"), ttl, data)
}

pub(super) fn a(name: &str, ttl: u32, address: [u8; 4]) -> Record {
    record(name, ttl, RData::A(rdata::A(address.into())))
}

pub(super) fn aaaa(name: &str, ttl: u32, address: &str) -> Record {
    let address = address.parse().expect("an address");
    record(name, ttl, RData::AAAA(rdata::AAAA(address)))
}

pub(super) fn cname(name: &str, ttl: u32, alias: &str) -> Record {
    let alias = Name::from_ascii(alias).expect("a name");
    record(name, ttl, RData::CNAME(rdata::CNAME(alias)))
}

pub(super) fn srv(name: &str, priority: u16, weight: u16, port: u16, target: &str) -> Record {
    let target = Name::from_ascii(target).expect("a name");
    let data = rdata::SRV::new(priority, weight, port, target);
    record(name, 60, RData::SRV(data))
}
