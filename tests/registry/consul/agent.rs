//! A stand-in for an agent of Consul, that answers as a test says.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub line: String,
    pub token: Option<String>,
}

/// What it does then.
pub enum Does {
    /// Answers with a status, an index if there is one, and a body.
    Answers(u16, Option<u64>, String),
    /// The same, and closes the connection without saying so.
    Closes(u16, Option<u64>, String),
    /// Waits, as if nobody was there.
    Hangs,
}

pub fn list(index: u64, body: &str) -> Does {
    Does::Answers(200, Some(index), body.to_owned())
}

pub fn done() -> Does {
    Does::Answers(200, None, String::new())
}

/// On a port of its own, until the test ends.
pub struct Agent {
    pub port: u16,
    pub asked: Arc<Mutex<Vec<Asked>>>,
    pub connections: Arc<AtomicUsize>,
}

impl Agent {
    pub fn start(does: impl Fn(&Asked) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let connections = Arc::<AtomicUsize>::default();
        let agent = Self {
            port,
            asked: asked.clone(),
            connections: connections.clone(),
        };
        let does = Arc::new(does);
        thread::spawn(move || {
            for connection in listener.incoming() {
                connections.fetch_add(1, Relaxed);
                let (asked, does) = (asked.clone(), does.clone());
                thread::spawn(move || serve(connection.unwrap(), &asked, &*does));
            }
        });
        agent
    }

    pub fn url(&self) -> String {
        format!("consul://127.0.0.1:{}", self.port)
    }

    /// How often it was asked what begins so.
    pub fn times(&self, line: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.line.starts_with(line))
            .count()
    }
}

fn serve(connection: TcpStream, all: &Mutex<Vec<Asked>>, does: &dyn Fn(&Asked) -> Does) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    while let Some(asked) = read(&mut reader) {
        all.lock().unwrap().push(asked.clone());
        let (closes, status, index, body) = match does(&asked) {
            Does::Answers(status, index, body) => (false, status, index, body),
            Does::Closes(status, index, body) => (true, status, index, body),
            Does::Hangs => {
                thread::sleep(Duration::from_secs(60));
                return;
            }
        };
        let index = index.map_or(String::new(), |index| {
            format!("X-Consul-Index: {index}\r\n")
        });
        let length = body.len();
        let head = format!("HTTP/1.1 {status} It\r\n{index}Content-Length: {length}\r\n\r\n");
        // Whoever had enough has left.
        let written = writer.write_all((head + &body).as_bytes());
        if written.is_err() || closes {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |wanted: &str| {
        lines.iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
        })
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        token: header("x-consul-token"),
        line: lines[0].clone(),
    })
}
