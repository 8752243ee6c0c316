use cordial_runtime::*;
use std::time::Duration;
use tokio_stream::StreamExt;
#[derive(Clone, PartialEq, prost::Message)]
pub struct M {
    #[prost(string, tag = "1")]
    pub s: String,
}
const U: Method<M, M> = Method::unary("/t.T/U");
const SS: Method<M, M> = Method::server_streaming("/t.T/SS");
const CS: Method<M, M> = Method::client_streaming("/t.T/CS");
const B: Method<M, M> = Method::bidi_streaming("/t.T/B");
struct T;
impl T {
    async fn u(&self, r: Request<M>) -> Result<Response<M>> {
        match r.get_ref().s.as_str() {
            "panic" => panic!("boo"),
            "slow" => std::future::pending().await,
            _ => Ok(M {
                s: format!("hi {} {:?}", r.get_ref().s, r.peer()),
            }
            .into()),
        }
    }
    async fn ss(&self, r: Request<M>) -> Result<Response<BoxStream<M>>> {
        let s: BoxStream<M> = Box::pin(tokio_stream::iter((0..10).map(move |i| {
            Ok(M {
                s: format!("{}{i}", r.get_ref().s),
            })
        })));
        let mut r = Response::new(s);
        r.trailers_mut().insert("x-end", "yes".parse().unwrap());
        Ok(r)
    }
    async fn cs(&self, r: Request<Streaming<M>>) -> Result<Response<M>> {
        let mut s = r.into_inner();
        let mut n = 0;
        while let Some(_) = s.message().await? {
            n += 1
        }
        Ok(M { s: n.to_string() }.into())
    }
    async fn b(&self, r: Request<Streaming<M>>) -> Result<Response<BoxStream<M>>> {
        Ok(Response::new(Box::pin(r.into_inner())))
    }
}
fn routes() -> Routes<T> {
    Routes::new("t.T", T)
        .unary(U, T::u)
        .server_streaming(SS, T::ss)
        .client_streaming(CS, T::cs)
        .bidi_streaming(B, T::b)
}
async fn suite(c: Channel) {
    let m = |s: &str| M { s: s.into() };
    println!("{:?}", c.unary(U, m("x")).await.unwrap().into_inner());
    let e = c.unary(U, m("panic")).await.unwrap_err();
    println!("{e:?}");
    let e = c
        .unary(U, m("slow"))
        .timeout(Duration::from_millis(50))
        .await
        .unwrap_err();
    println!("{e:?}");
    let mut s = c.server_streaming(SS, m("a")).await.unwrap().into_inner();
    let mut n = 0;
    while let Some(_) = s.message().await.unwrap() {
        n += 1
    }
    assert_eq!(n, 10);
    println!("{:?}", s.trailers().await.unwrap());
    let r = c
        .client_streaming(CS, tokio_stream::iter(vec![m("1"), m("2")]))
        .compression(Some(Compression::Gzip))
        .await
        .unwrap();
    println!("{r:?}");
    let s = c
        .bidi_streaming(B, tokio_stream::iter(vec![m("1"), m("2")]))
        .await
        .unwrap()
        .into_inner();
    let all: Vec<_> = s.collect().await;
    println!("{all:?}");
    let e = c
        .unary(Method::<M, M>::unary("/t.T/None"), m("x"))
        .await
        .unwrap_err();
    println!("{e:?}");
}
#[tokio::test]
async fn wire() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let b = Server::new()
        .add(routes())
        .shutdown_on(async {
            let _ = stopped.await;
        })
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let c = Channel::to(b.uri()).unwrap();
    let h = tokio::spawn(b.serve());
    suite(c).await;
    stop.send(()).unwrap();
    h.await.unwrap();
}
#[tokio::test]
async fn local() {
    suite(Server::new().add(routes()).in_process().unwrap()).await;
}
