//! A machine that has no more file descriptors goes on once it has.

use crate::{
    call,
    child::{self, Serves},
    common::*,
    who,
};
use std::{process::Stdio, time::Duration};
use tokio::net::TcpStream;

const DESCRIPTORS_MAX: usize = 64;

#[tokio::test]
async fn descriptors_run_out_and_come_back() {
    if child::is_child() {
        return child::serve(who().bind("127.0.0.1:0").await.unwrap()).await;
    }
    let mut server = Serves::start(
        "exhausted::descriptors_run_out_and_come_back",
        &format!("ulimit -n {DESCRIPTORS_MAX}"),
        Stdio::null(),
        Stdio::null(),
    );
    let address = server.addresses[0].clone();
    for _ in 0..3 {
        let mut held = Vec::new();
        for _ in 0..200 {
            held.push(TcpStream::connect(&address).await.unwrap());
        }
        within(async {
            while server.descriptors() < DESCRIPTORS_MAX {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        drop(held);
        let peer = call(&format!("http://{address}")).await.unwrap();
        assert!(peer.starts_with("127.0.0.1:"), "{peer}");
        assert!(server.is_alive());
    }
}
