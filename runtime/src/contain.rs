//! What keeps a panic in a part of the user's own from spreading.

use crate::status::{Result, Status};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `run` returns. A panic in it is UNAVAILABLE and says who panicked: one of the
/// program's own parts, so its own callers may read what it said.
pub(crate) fn contain<T>(who: &'static str, run: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let panic = text.unwrap_or("something that is no text");
        tracing::error!(panic, "the {who} panicked");
        Status::unavailable(format!("the {who} panicked: {panic}"))
    })
}
