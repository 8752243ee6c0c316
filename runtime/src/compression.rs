//! Compression of single messages (gRPC over HTTP/2, "Message-Encoding").

use crate::status::{Result, Status};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;

/// A way to make messages smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// gzip (RFC 1952).
    #[cfg(feature = "gzip")]
    Gzip,
    /// zlib (RFC 1950), which gRPC calls deflate.
    #[cfg(feature = "gzip")]
    Deflate,
    /// Zstandard (RFC 8878).
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    /// Every compression this build can read.
    pub(crate) const ALL: &[Self] = &[
        #[cfg(feature = "gzip")]
        Self::Gzip,
        #[cfg(feature = "gzip")]
        Self::Deflate,
        #[cfg(feature = "zstd")]
        Self::Zstd,
    ];

    /// Its name in `grpc-encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => "gzip",
            #[cfg(feature = "gzip")]
            Self::Deflate => "deflate",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
        }
    }

    /// The compression a `grpc-encoding` names; `Err` if this build lacks it.
    pub(crate) fn named(name: &[u8]) -> Result<Option<Self>, ()> {
        if name == b"identity" {
            return Ok(None);
        }
        let found = Self::ALL
            .iter()
            .find(|known| known.name().as_bytes() == name);
        found.copied().map(Some).ok_or(())
    }

    /// Whether a `grpc-accept-encoding` value lists it.
    pub(crate) fn accepted_by(self, list: &HeaderValue) -> bool {
        let name = self.name().as_bytes();
        list.as_bytes()
            .split(|byte| *byte == b',')
            .any(|item| item.trim_ascii() == name)
    }

    /// The message, compressed.
    pub(crate) fn compress(self, message: &[u8], out: &mut BytesMut) -> Result<()> {
        self.compress_into(message, out).map_err(|error| {
            Status::internal(format!("{} failed to compress: {error}", self.name()))
        })
    }

    #[cfg_attr(
        not(any(feature = "gzip", feature = "zstd")),
        allow(unused_variables, unreachable_code)
    )]
    fn compress_into(self, message: &[u8], out: &mut BytesMut) -> std::io::Result<()> {
        use bytes::BufMut;
        #[allow(unused_imports)]
        use std::io::Write;
        #[allow(unused_mut)]
        let mut writer = out.writer();
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(writer, flate2::Compression::fast());
                encoder.write_all(message)?;
                encoder.finish()?;
            }
            #[cfg(feature = "gzip")]
            Self::Deflate => {
                let mut encoder =
                    flate2::write::ZlibEncoder::new(writer, flate2::Compression::fast());
                encoder.write_all(message)?;
                encoder.finish()?;
            }
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::stream::copy_encode(message, &mut writer, ZSTD_LEVEL)?,
        }
        Ok(())
    }

    /// The message as it was; RESOURCE_EXHAUSTED as soon as it grows over
    /// `bytes_max`, before more of it is held.
    pub(crate) fn decompress(self, message: &[u8], bytes_max: usize) -> Result<Bytes> {
        let mut out = Vec::with_capacity((message.len() * 2).min(bytes_max));
        self.decompress_into(message, (bytes_max as u64).saturating_add(1), &mut out)
            .map_err(|error| {
                Status::internal(format!("a message is not valid {}: {error}", self.name()))
            })?;
        if out.len() > bytes_max {
            return Err(Status::resource_exhausted(format!(
                "a message is over {bytes_max} bytes once decompressed"
            )));
        }
        Ok(out.into())
    }

    #[cfg_attr(
        not(any(feature = "gzip", feature = "zstd")),
        allow(unused_variables, unreachable_code)
    )]
    fn decompress_into(self, message: &[u8], take: u64, out: &mut Vec<u8>) -> std::io::Result<()> {
        #[allow(unused_imports)]
        use std::io::Read;
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => flate2::read::MultiGzDecoder::new(message)
                .take(take)
                .read_to_end(out)?,
            #[cfg(feature = "gzip")]
            Self::Deflate => flate2::read::ZlibDecoder::new(message)
                .take(take)
                .read_to_end(out)?,
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(message)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                decoder.take(take).read_to_end(out)?
            }
        };
        Ok(())
    }
}

/// The fastest level that is not a negative one.
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 1;

/// 8 MiB: RFC 8878 asks decoders to take that much and no more.
#[cfg(feature = "zstd")]
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// What this build can read, as `grpc-accept-encoding` says it.
pub(crate) const ACCEPT: HeaderValue =
    HeaderValue::from_static(match (cfg!(feature = "gzip"), cfg!(feature = "zstd")) {
        (true, true) => "gzip,deflate,zstd,identity",
        (true, false) => "gzip,deflate,identity",
        (false, true) => "zstd,identity",
        (false, false) => "identity",
    });

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn round_trips_and_bombs() {
        let plain = vec![7u8; 1 << 20];
        for compression in Compression::ALL {
            let mut small = BytesMut::new();
            compression.compress(&plain, &mut small).unwrap();
            assert!(small.len() < plain.len() / 100, "{compression:?}");
            let back = compression.decompress(&small, plain.len()).unwrap();
            assert_eq!(back, plain, "{compression:?}");
            let bomb = compression.decompress(&small, plain.len() - 1).unwrap_err();
            assert_eq!(bomb.code(), Code::ResourceExhausted);
            let torn = compression.decompress(&small[..small.len() / 2], 1 << 20);
            assert_eq!(torn.unwrap_err().code(), Code::Internal, "{compression:?}");
        }
    }
}
