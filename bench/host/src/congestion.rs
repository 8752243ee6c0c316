//! How a socket decides what the network can take.

use std::os::fd::AsFd;

/// Linux's own default first; the other is in every kernel.
const UNPACED: [&str; 2] = ["cubic", "reno"];

/// Lets the kernel send when there is something to send.
///
/// BBR, which some machines have for their default, sends by a timer. On a
/// loopback interface, whose time of travel it cannot tell from none, that costs
/// up to half of a throughput in some connections and nothing in others. Sockets
/// that a listener accepts take after it.
pub fn unpace(socket: impl AsFd) {
    use rustix::net::sockopt::set_tcp_congestion;
    let set = UNPACED
        .iter()
        .any(|name| set_tcp_congestion(&socket, name).is_ok());
    if !set {
        eprintln!("bench: this machine lets nobody choose how TCP meets congestion");
    }
}
