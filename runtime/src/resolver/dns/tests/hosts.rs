//! What the machine itself says of names.

use super::*;

/// Needs no server: localhost is known to every machine (RFC 6761).
#[tokio::test]
async fn localhost_is_here() {
    for name in ["localhost", "LocalHost", "localhost."] {
        let uri = format!("http://{name}:50051");
        let destination = Destination::parse(&uri).unwrap_or_else(|error| panic!("{error}"));
        let told = next(&mut destination.resolver.watch(Refresh::default())).await;
        let told = told.unwrap_or_else(|status| panic!("{status}"));
        assert!(told.contains("127.0.0.1:50051"), "{told}");
    }
}
