//! A greeter that greets itself, with all four kinds of method.
//!
//! Notice: no line here is about the wire. `greeter.proto` became the trait
//! `Greeter`, the client `GreeterClient` and `greeter_server`, which joins both.
//! `cargo run --example greeter -- serve 127.0.0.1:50051` stays up instead.

use cordial::reflection::Reflection;
use cordial::{Channel, Result, Server, health::Health, shutdown_signal};
use service::Polite;
use tokio_stream::StreamExt;

mod pb {
    cordial::include_protos!("hello.v1");
}
mod service;

use pb::{GreeterClient, HelloRequest, greeter_server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => greet_itself().await,
        ["serve", address] => serve(address).await,
        _ => Err("usage: greeter [serve HOST:PORT]".into()),
    }
}

async fn greet_itself() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new().add(greeter_server(Polite));
    let bound = server.bind("127.0.0.1:0").await?;
    println!("serving on {}", bound.uri());
    let greeter = GreeterClient::new(Channel::to(bound.uri())?);
    tokio::spawn(bound.serve());

    let reply = greeter.say_hello(hello("Ada")).await?;
    println!("say_hello          {}", reply.into_inner().message);

    let mut replies = greeter.lots_of_replies(hello("Grace")).await?.into_inner();
    while let Some(reply) = replies.message().await? {
        println!("lots_of_replies    {}", reply.message);
    }

    let names = ["Barbara", "Frances", "Jean"];
    let everybody = tokio_stream::iter(names.map(hello));
    let reply = greeter.lots_of_greetings(everybody).await?;
    println!("lots_of_greetings  {}", reply.into_inner().message);

    let one_by_one = tokio_stream::iter(names.map(hello));
    let mut replies = greeter.bidi_hello(one_by_one).await?.into_inner();
    while let Some(reply) = replies.next().await {
        println!("bidi_hello         {}", reply?.message);
    }

    let status = greeter.say_hello(hello("")).await.unwrap_err();
    println!(
        "say_hello          {:?}: {}",
        status.code(),
        status.message()
    );
    Ok(())
}

async fn serve(address: &str) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new()
        .add(greeter_server(Polite))
        .add(Health::new().routes());
    let reflection = Reflection::new(cordial::include_descriptors!(), server.services())?;
    let server = server
        .add(reflection.v1())
        .add(reflection.v1alpha())
        .shutdown_on(shutdown_signal());
    let bound = server.bind(address).await?;
    let at = bound.address().to_owned();
    println!("serving on {at}; Ctrl-C stops it. Try:\n");
    println!("  grpcurl -plaintext {at} list");
    println!("  grpcurl -plaintext {at} describe hello.v1.Greeter");
    for method in ["SayHello", "LotsOfReplies"] {
        println!("  grpcurl -plaintext -d '{{\"name\": \"Ada\"}}' {at} hello.v1.Greeter/{method}");
    }
    println!("  grpcurl -plaintext {at} grpc.health.v1.Health/Check");
    bound.serve().await;
    Ok(())
}

fn hello(name: &str) -> HelloRequest {
    let name = name.to_owned();
    HelloRequest { name }
}
