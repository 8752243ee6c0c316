//! The deadline of a call that is answered in HTTP's terms.

use super::server::{read_deadline, respond_status};
use crate::{
    engine::{BoxError, HttpBody},
    guard::{self, Guard},
    metrics::Counted,
    status,
};
use bytes::Bytes;
use http_body::{Body, Frame};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Answers with what `answer` does, as a call that is `counted`, until the deadline in the request's headers.
pub(crate) async fn answer_in_time<F>(
    request: http::Request<HttpBody>,
    counted: Counted,
    answer: impl FnOnce(http::Request<HttpBody>) -> F,
) -> http::Response<HttpBody>
where
    F: Future<Output = http::Response<HttpBody>>,
{
    let deadline = match read_deadline(request.headers()) {
        Ok(deadline) => deadline,
        Err(status) => return respond_status(&status),
    };
    let answered = guard::until(deadline, async { Ok(answer(request).await) });
    match answered.await {
        Ok(response) => response.map(|body| {
            let guard = Guard::new(deadline);
            HttpBody::new(Timed {
                body,
                guard,
                _counted: counted,
            })
        }),
        Err(status) => respond_status(&status),
    }
}

/// A body that ends with DEADLINE_EXCEEDED at a deadline, if there is one.
struct Timed {
    body: HttpBody,
    guard: Guard,
    _counted: Counted,
}

impl Body for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { body, guard, .. } = &mut *self;
        match ready!(guard.poll(cx, |cx| Pin::new(body).poll_frame(cx))) {
            Ok(frame) => Poll::Ready(frame),
            Err(late) => {
                self.body = HttpBody::empty();
                self.guard = Guard::default();
                Poll::Ready(Some(Ok(Frame::trailers(status::trailers(&late)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
