//! Who makes the calls.

use crate::Result;

/// One client's handle on a connection; clones share it.
pub(crate) trait Caller: Clone + Send + 'static {
    /// Makes one call and reads the whole reply; the length of its payload.
    fn call(&mut self) -> impl Future<Output = Result<usize>> + Send;
}
