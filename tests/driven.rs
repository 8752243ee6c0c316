//! The golden files work: they are served on a socket and called through it.

use cordial::{BoxStream, Channel, Request, Response, Result, Routes, Server, Streaming};
use tokio_stream::StreamExt;

macro_rules! golden {
    ($($case:ident)*) => {
        $(#[allow(dead_code, deprecated)] mod $case {
            include!(concat!("../codegen/tests/golden/", stringify!($case), "/_packages.rs"));
        })*
    };
}

golden!(names options proto2 streams);

async fn serve<S: Send + Sync + 'static>(routes: Routes<S>) -> Channel {
    serve_server(Server::new().add(routes)).await
}

async fn serve_server(server: Server) -> Channel {
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let channel = Channel::to(bound.uri()).unwrap();
    tokio::spawn(bound.serve());
    channel
}

mod four_kinds {
    use super::{streams::chat::v1::*, *};

    struct Echo;

    impl Chat for Echo {
        async fn say(&self, request: Request<Line>) -> Result<Response<Line>> {
            Ok(request.into_inner().into())
        }

        async fn history(
            &self,
            request: Request<HistoryRequest>,
        ) -> Result<Response<BoxStream<Line>>> {
            let lines = (0..request.into_inner().lines_max).map(|number| Ok(line(number)));
            let lines: Vec<_> = lines.collect();
            Ok(Response::new(Box::pin(tokio_stream::iter(lines))))
        }

        async fn upload(&self, request: Request<Streaming<Line>>) -> Result<Response<UploadReply>> {
            let lines = request.into_inner().collect::<Result<Vec<_>>>().await?;
            let lines = u32::try_from(lines.len()).unwrap();
            Ok(UploadReply { lines }.into())
        }

        async fn talk(
            &self,
            request: Request<Streaming<Line>>,
        ) -> Result<Response<BoxStream<Line>>> {
            Ok(Response::new(Box::pin(request.into_inner())))
        }
    }

    fn line(number: u32) -> Line {
        Line {
            author: "ada".into(),
            text: number.to_string(),
        }
    }

    #[tokio::test]
    async fn are_served_and_called() {
        let chat = ChatClient::new(serve(chat_server(Echo)).await);
        assert_eq!(chat.say(line(7)).await.unwrap().into_inner(), line(7));

        let history = chat.history(HistoryRequest { lines_max: 3 }).await.unwrap();
        let history: Vec<_> = history.into_inner().collect::<Result<_>>().await.unwrap();
        assert_eq!(history, [line(0), line(1), line(2)]);

        let upload = tokio_stream::iter((0..5).map(line));
        let reply = chat.upload(upload).await.unwrap().into_inner();
        assert_eq!(reply.lines, 5);

        let talk = chat
            .talk(tokio_stream::iter((0..4).map(line)))
            .await
            .unwrap();
        let talk: Vec<_> = talk.into_inner().collect::<Result<_>>().await.unwrap();
        assert_eq!(talk, (0..4).map(line).collect::<Vec<_>>());
    }
}

mod hostile_names {
    use super::{names::names as pb, *};

    struct Anything;

    macro_rules! default_replies {
        ($($method:ident: $in:ident => $out:ident),*) => {$(
            async fn $method(&self, _: Request<pb::$in>) -> Result<Response<pb::$out>> {
                Ok(pb::$out::default().into())
            }
        )*};
    }

    impl pb::Verbs for Anything {
        default_replies!(
            new_: Request => Response, clone_: Clone => Clone, r#type: Self_ => Self_,
            r#async: String => Vec, self_: Box => Box, http_get2: Call => Channel,
            request: Method => Status, channel: Into => From
        );

        async fn r#move(
            &self,
            request: Request<Streaming<pb::Option>>,
        ) -> Result<Response<BoxStream<pb::Result>>> {
            let replies = request
                .into_inner()
                .map(|each| each.map(|_| pb::Result::default()));
            Ok(Response::new(std::boxed::Box::pin(replies)))
        }
    }

    #[tokio::test]
    async fn are_served_and_called() {
        let verbs = pb::VerbsClient::new(serve(pb::verbs_server(Anything)).await).clone();
        verbs.new_(pb::Request::default()).await.unwrap();
        verbs.clone_(pb::Clone::default()).await.unwrap();
        verbs.r#type(pb::Self_::default()).await.unwrap();
        verbs.r#async(pb::String::default()).await.unwrap();
        verbs.self_(pb::Box::default()).await.unwrap();
        verbs.http_get2(pb::Call::default()).await.unwrap();
        verbs.request(pb::Method::default()).await.unwrap();
        verbs.channel(pb::Into::default()).await.unwrap();
        let moved = verbs
            .r#move(tokio_stream::iter([pb::Option::default()]))
            .await;
        assert_eq!(
            moved.unwrap().into_inner().collect::<Vec<_>>().await.len(),
            1
        );
    }
}

mod declared_options {
    use super::{
        options::{auth, bank::*},
        *,
    };
    use cordial::{Body, Idempotency, Next};
    use std::sync::mpsc;

    struct Vault;

    impl Bank for Vault {
        async fn read(&self, request: Request<Account>) -> Result<Response<Account>> {
            Ok(request.into_inner().into())
        }

        async fn close(&self, request: Request<Account>) -> Result<Response<Account>> {
            Ok(request.into_inner().into())
        }
    }

    #[tokio::test]
    async fn are_seen_by_layers_on_both_sides() {
        let (say, said) = mpsc::channel();
        let look = move |side: &'static str| {
            let say = say.clone();
            move |request: Request<Body>, next: Next| {
                let method = next.method();
                say.send((side, method)).unwrap();
                async move { next.run(request).await }
            }
        };
        let server = Server::new().layer(look("server")).add(bank_server(Vault));
        let bank = BankClient::new(serve_server(server).await.layer(look("client")));
        #[allow(deprecated)]
        bank.close(Account::default()).await.unwrap();
        bank.read(Account::default()).await.unwrap();

        for side in ["client", "server"] {
            let (seen, close) = said.recv().unwrap();
            assert_eq!((seen, close.path()), (side, "/bank.Bank/Close"));
            let role = close.option(auth::ROLE);
            assert_eq!(role.as_deref(), Some("owner(of).it \"or\" a; friend"));
            assert_eq!(close.option_values(auth::SCOPES), ["read", "write"]);
            let policy = close.option(auth::POLICY).unwrap();
            assert!(policy.audited);
            assert_eq!(policy.labels["b"], "2");
            assert_eq!(close.option(auth::POLICY_WEIGHT), Some(-1));
            assert_eq!(close.option(auth::OPEN), None);
            assert_eq!(
                close.service_option(auth::TEAM).as_deref(),
                Some("payments")
            );
            assert!(close.is_deprecated());
            assert_eq!(close.idempotency(), Idempotency::Idempotent);
        }
        let (_, read) = said.recv().unwrap();
        assert_eq!((read.service(), read.name()), ("bank.Bank", "Read"));
        assert_eq!(read.idempotency(), Idempotency::NoSideEffects);
        assert_eq!(read.option(auth::ROLE), None);
    }
}

mod old_syntax {
    use super::{proto2::legacy::*, *};

    struct Desk;

    impl Orders for Desk {
        async fn put(&self, request: Request<Order>) -> Result<Response<Order>> {
            Ok(request.into_inner().into())
        }
    }

    #[tokio::test]
    async fn keeps_groups_defaults_and_extremes() {
        let orders = OrdersClient::new(serve(orders_server(Desk)).await);
        let inner = Order {
            id: "inner".into(),
            ..Default::default()
        };
        let order = Order {
            id: "outer".into(),
            line: vec![order::Line {
                product: "tea".into(),
                within: Some(inner),
            }],
            way: Some(order::Way::Courier(order::Courier {
                name: Some("Bo".into()),
            })),
            sizes: vec![i32::MIN, 0, i32::MAX],
            ..Default::default()
        };
        let back = orders.put(order.clone()).await.unwrap().into_inner();
        assert_eq!(back, order);
        assert_eq!(back.count(), 7);
        assert_eq!(back.note(), "say \"hi\"\n");
        assert_eq!(back.seal(), b"\x01\xff");
        assert_eq!(back.color(), Color::Blue);
        assert!(back.weight().is_infinite());
    }
}
