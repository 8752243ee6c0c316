//! Streams both ways, as they come.
//!
//! Notice: a stream is read only as fast as its reader asks, and dropping it
//! ends the call for both sides: the endless handler below stops when the
//! caller has heard enough.

use cordial::{BoxStream, Channel, Request, Response, Result, Server, Streaming};
use pb::{Greeter, GreeterClient, HelloReply, HelloRequest, greeter_server};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

mod pb {
    cordial::include_protos!("hello.v1");
}

struct Tireless;

impl Greeter for Tireless {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>> {
        Ok(reply(&request.into_inner().name, 1).into())
    }

    /// Greets for ever, or until nobody listens.
    async fn lots_of_replies(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<BoxStream<HelloReply>>> {
        let name = request.into_inner().name;
        let numbers = tokio_stream::iter(1u64..);
        Ok(Response::new(Box::pin(
            numbers.map(move |number| Ok(reply(&name, number))),
        )))
    }

    async fn lots_of_greetings(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloReply>> {
        let requests = request.into_inner();
        let count = requests.collect::<Result<Vec<_>>>().await?.len();
        Ok(reply("everybody", count as u64).into())
    }

    async fn bidi_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<BoxStream<HelloReply>>> {
        let requests = request.into_inner();
        let replies = requests.map(|request| Ok(reply(&request?.name, 1)));
        Ok(Response::new(Box::pin(replies)))
    }
}

fn reply(name: &str, number: u64) -> HelloReply {
    let message = format!("Hello number {number}, {name}!");
    HelloReply { message }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bound = Server::new()
        .add(greeter_server(Tireless))
        .bind("127.0.0.1:0")
        .await?;
    let greeter = GreeterClient::new(Channel::to(bound.uri())?);
    tokio::spawn(bound.serve());

    let name = "Ada".to_owned();
    let mut replies = greeter
        .lots_of_replies(HelloRequest { name })
        .await?
        .into_inner();
    for _ in 0..3 {
        println!("{:?}", replies.message().await?.map(|reply| reply.message));
    }
    drop(replies); // enough: the handler's stream is dropped too

    // A conversation: what is sent next depends on what came back.
    let (say, said) = mpsc::channel(1);
    let mut heard = greeter
        .bidi_hello(ReceiverStream::new(said))
        .await?
        .into_inner();
    let mut name = "Grace".to_owned();
    for _ in 0..3 {
        say.send(HelloRequest { name }).await?;
        name = heard.message().await?.ok_or("the greeter hung up")?.message;
        println!("{name}");
    }
    Ok(())
}
