//! Messages into length-prefixed bytes (gRPC over HTTP/2, "Length-Prefixed-Message").

use crate::{
    compression::Compression,
    status::{Result, Status},
};
use bytes::{BufMut, BytesMut};
use prost::Message;

/// One byte that says whether it is compressed, four of length.
pub(crate) const PREFIX_BYTES: usize = 5;

/// A buffer that fills grows by this much at least, and at most by [`GROWN_BYTES_MAX`].
const GROWN_BYTES_MIN: usize = 1 << 10;
const GROWN_BYTES_MAX: usize = 32 << 10;

/// Appends `message` with its prefix, in a buffer of exactly its size if `out` is empty.
#[inline]
pub(crate) fn append<T: Message>(
    message: &T,
    compression: Option<Compression>,
    out: &mut BytesMut,
) -> Result<()> {
    let length = message.encoded_len();
    if let Some(compression) = compression {
        let mut plain = BytesMut::with_capacity(length);
        message.encode_raw(&mut plain);
        return append_compressed(&plain, compression, out);
    }
    let prefix = prefix(false, length)?;
    let needed = PREFIX_BYTES + length;
    if out.capacity() - out.len() < needed {
        grow(out, needed);
    }
    out.put_slice(&prefix);
    message.encode_raw(out);
    Ok(())
}

/// More will follow in a buffer that holds some, the more the more there are.
#[cold]
fn grow(out: &mut BytesMut, needed: usize) {
    let more = match out.len() {
        0 => 0,
        filled => (4 * filled).clamp(GROWN_BYTES_MIN, GROWN_BYTES_MAX),
    };
    out.reserve(needed.max(more));
}

/// The same of a message that was written before.
#[cfg(feature = "json")]
pub(crate) fn append_written(
    message: &[u8],
    compression: Option<Compression>,
    out: &mut BytesMut,
) -> Result<()> {
    if let Some(compression) = compression {
        return append_compressed(message, compression, out);
    }
    out.reserve(PREFIX_BYTES + message.len());
    out.put_slice(&prefix(false, message.len())?);
    out.put_slice(message);
    Ok(())
}

fn append_compressed(plain: &[u8], compression: Compression, out: &mut BytesMut) -> Result<()> {
    let start = out.len();
    out.reserve(PREFIX_BYTES + plain.len() / 4);
    out.put_bytes(0, PREFIX_BYTES);
    compression.compress(plain, out)?;
    let length = out.len() - start - PREFIX_BYTES;
    out[start..start + PREFIX_BYTES].copy_from_slice(&prefix(true, length)?);
    Ok(())
}

/// What precedes a message of `length` bytes.
#[inline]
fn prefix(compressed: bool, length: usize) -> Result<[u8; PREFIX_BYTES]> {
    let Ok(length) = u32::try_from(length) else {
        return Err(Status::resource_exhausted(format!(
            "a message of {length} bytes is over what gRPC can frame (4 GiB)"
        )));
    };
    let [a, b, c, d] = length.to_be_bytes();
    Ok([u8::from(compressed), a, b, c, d])
}
