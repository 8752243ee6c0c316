//! The smallest DNS server there is: one name, one address.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;

const NAME: &[u8] = b"\x04echo\x04test\x00";
const TYPE_A: &[u8] = &[0, 1];
const HEADER_BYTES: usize = 12;

/// Says that `echo.test` is at `address`, and of every other name that there is none.
pub async fn start(address: Ipv4Addr) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 512];
        loop {
            let (_, peer) = socket.recv_from(&mut packet).await.unwrap();
            let answer = answer(&packet, address);
            socket.send_to(&answer, peer).await.unwrap();
        }
    });
    at
}

/// RFC 1035, section 4.1.
fn answer(request: &[u8], address: Ipv4Addr) -> Vec<u8> {
    let question = &request[HEADER_BYTES..];
    let name_bytes = question.iter().position(|byte| *byte == 0).unwrap() + 1;
    let (name, rest) = question.split_at(name_bytes);
    let known = name == NAME;
    let has = known && &rest[..2] == TYPE_A;
    let mut answer = request[..2].to_vec();
    let code = if known { 0 } else { 3 };
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(has), 0, 0, 0, 0]);
    answer.extend(&question[..name_bytes + 4]);
    if has {
        // The name is where the question has it; class IN, a minute to live.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address.octets());
    }
    answer
}
