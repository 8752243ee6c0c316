//! The greeter itself: a trait generated from `greeter.proto`, and plain `async fn`.

use crate::pb::{Greeter, HelloReply, HelloRequest};
use cordial::{BoxStream, Request, Response, Result, Status, Streaming};
use tokio_stream::StreamExt;

pub(crate) struct Polite;

impl Greeter for Polite {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>> {
        Ok(greet("Hello", &request.into_inner().name)?.into())
    }

    async fn lots_of_replies(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<BoxStream<HelloReply>>> {
        let name = request.into_inner().name;
        let words = tokio_stream::iter(["Hello", "Bonjour", "Hola"]);
        let replies = words.map(move |word| greet(word, &name));
        Ok(Response::new(Box::pin(replies)))
    }

    async fn lots_of_greetings(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloReply>> {
        let mut requests = request.into_inner();
        let mut names = Vec::new();
        while let Some(request) = requests.message().await? {
            names.push(request.name);
        }
        Ok(greet("Hello", &names.join(" and "))?.into())
    }

    async fn bidi_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<BoxStream<HelloReply>>> {
        let requests = request.into_inner();
        let replies = requests.map(|request| greet("Hello", &request?.name));
        Ok(Response::new(Box::pin(replies)))
    }
}

fn greet(word: &str, name: &str) -> Result<HelloReply> {
    if name.is_empty() {
        return Err(Status::invalid_argument(
            "`name` is empty; say whom to greet",
        ));
    }
    let message = format!("{word}, {name}!");
    Ok(HelloReply { message })
}
