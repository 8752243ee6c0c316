//! Has a server count its allocations, for as long as a connection is open.

use crate::{Result, allocations};
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
};

/// What a server allocated while it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How often memory was asked for,
    pub allocations: u64,
    /// and how much.
    pub bytes: u64,
}

/// Begins when somebody connects, ends when they are done, and tells them.
pub(crate) fn listen() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            if let Err(error) = connection.and_then(serve) {
                eprintln!("bench: cannot say what was allocated: {error}");
            }
        }
    });
    Ok(address)
}

fn serve(mut connection: TcpStream) -> std::io::Result<()> {
    allocations::start();
    connection.write_all(b"!")?;
    let ended = connection.read(&mut [0]);
    let counted = allocations::stop();
    ended?;
    connection.write_all(&counted.allocations.to_be_bytes())?;
    connection.write_all(&counted.bytes.to_be_bytes())
}

/// What the server whose control is at `control` allocates while `work` goes on.
///
/// # Errors
/// Those of `work`, and when the server does not answer.
pub fn count<T>(control: &str, work: impl FnOnce() -> Result<T>) -> Result<(T, Counted)> {
    let mut connection = TcpStream::connect(control)?;
    connection.read_exact(&mut [0])?;
    let done = work()?;
    connection.shutdown(Shutdown::Write)?;
    let mut numbers = [[0; 8]; 2];
    for number in &mut numbers {
        connection.read_exact(number)?;
    }
    let [allocations, bytes] = numbers.map(u64::from_be_bytes);
    Ok((done, Counted { allocations, bytes }))
}

#[cfg(test)]
mod tests {
    use super::{count, listen};

    #[test]
    fn counts_what_is_allocated_meanwhile() {
        let control = listen().unwrap().to_string();
        let none = count(&control, || Ok(())).unwrap().1;
        let work = || Ok((0..100).map(|_| vec![1u8; 1_000]).collect::<Vec<_>>());
        let (kept, some) = count(&control, work).unwrap();
        assert_eq!(kept.len(), 100);
        assert!(some.allocations >= none.allocations + 100, "{some:?}");
        assert!(some.bytes >= none.bytes + 100_000, "{some:?}");
    }
}
