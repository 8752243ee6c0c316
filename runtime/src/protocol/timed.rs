//! The deadline of a call that is answered in HTTP's terms.

use super::server::{read_deadline, respond_status};
use crate::{
    engine::{BoxError, HttpBody},
    guard::{self, Guard},
    status,
};
use bytes::Bytes;
use http_body::{Body, Frame};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Answers with what `answer` does, until the deadline in the request's headers.
pub(crate) async fn answer_in_time<F>(
    request: http::Request<HttpBody>,
    answer: impl FnOnce(http::Request<HttpBody>) -> F,
) -> http::Response<HttpBody>
where
    F: Future<Output = http::Response<HttpBody>>,
{
    let deadline = match read_deadline(request.headers()) {
        Ok(Some(deadline)) => Some(deadline),
        Ok(None) => return answer(request).await,
        Err(status) => return respond_status(&status),
    };
    let answered = guard::until(deadline, async { Ok(answer(request).await) });
    match answered.await {
        Ok(response) => response.map(|body| {
            let guard = Guard::new(deadline);
            HttpBody::new(Timed { body, guard })
        }),
        Err(status) => respond_status(&status),
    }
}

/// A body that ends with DEADLINE_EXCEEDED at a deadline.
struct Timed {
    body: HttpBody,
    guard: Guard,
}

impl Body for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { body, guard } = &mut *self;
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
