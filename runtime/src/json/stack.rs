//! Room on the stack: how much an object needs is up to the message that it becomes, and to
//! how it was compiled, so a depth alone keeps no stack from its end.

/// What one object or array may need, and all that it does before the next is begun.
const NEEDED_BYTES: usize = 256 << 10;

/// What is added where there is less left.
const ADDED_BYTES: usize = 2 << 20;

/// Does `work`, which is about one more object or array, where there is room for it.
#[inline]
pub(super) fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(NEEDED_BYTES, ADDED_BYTES, work)
}
