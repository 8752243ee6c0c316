//! How much of what was sent a server has not read yet, as the kernel knows it.

use std::net::SocketAddr;

/// Bytes in the server's receive queue; `None` where the system does not say, or
/// the connection is gone. IPv4 alone.
pub(super) fn unread(client: SocketAddr, server: SocketAddr) -> Option<u64> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    received(&table, server.port(), client.port())
}

/// The receive queue of the socket between two ports.
fn received(table: &str, local: u16, remote: u16) -> Option<u64> {
    let ends = [format!(":{local:04X}"), format!(":{remote:04X}")];
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let matches = fields.next()?.ends_with(&ends[0]) && fields.next()?.ends_with(&ends[1]);
        let queues = fields.nth(1).filter(|_| matches)?;
        let (_, received) = queues.split_once(':')?;
        u64::from_str_radix(received, 16).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::received;

    #[test]
    fn the_line_of_a_connection() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n\
             0: 0100007F:07E8 00000000:0000 0A 00000000:00000000 00:00000000\n\
             1: 0100007F:07E8 0100007F:9346 01 00000000:00000010 00:00000000\n\
             2: 0100007F:9346 0100007F:07E8 01 000000FF:00000000 00:00000000\n";
        assert_eq!(received(table, 0x07e8, 0x9346), Some(16));
        assert_eq!(received(table, 0x9346, 0x07e8), Some(0));
        assert_eq!(received(table, 0x9346, 0x07e9), None);
    }
}
