//! Compression of single messages (gRPC over HTTP/2, "Message-Encoding").

use crate::status::{Result, Status};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use std::io::{self, Read};

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
    /// Brotli (RFC 7932), which browsers read.
    #[cfg(feature = "br")]
    Brotli,
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
        #[cfg(feature = "br")]
        Self::Brotli,
    ];

    /// Its name in `grpc-encoding` and `content-encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => "gzip",
            #[cfg(feature = "gzip")]
            Self::Deflate => "deflate",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
            #[cfg(feature = "br")]
            Self::Brotli => "br",
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
        not(any(feature = "gzip", feature = "zstd", feature = "br")),
        allow(unused_variables, unreachable_code)
    )]
    fn compress_into(self, message: &[u8], out: &mut BytesMut) -> io::Result<()> {
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
            #[cfg(feature = "br")]
            Self::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    size_hint: message.len(),
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &*message, &mut writer, &parameters)?;
            }
        }
        Ok(())
    }

    /// The message as it was; RESOURCE_EXHAUSTED if it is over `bytes_max`, which is
    /// found out without holding as much.
    pub(crate) fn decompress(self, message: &[u8], bytes_max: usize) -> Result<Bytes> {
        match self.unpack(message, bytes_max) {
            Ok(Some(out)) => Ok(out.into()),
            Ok(None) => Err(Status::resource_exhausted(format!(
                "a message is over {bytes_max} bytes once decompressed"
            ))),
            Err(error) => Err(Status::internal(format!(
                "a message is not valid {}: {error}",
                self.name()
            ))),
        }
    }

    /// `None` if it is longer. What goes beyond the guess is counted and not kept: a
    /// buffer that grows would be held twice each time it does. One that turns out
    /// to be short enough is unpacked again.
    fn unpack(self, message: &[u8], bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let guess = self.guess(message, bytes_max);
        let mut out = Vec::with_capacity(guess);
        let mut decoder = self.decoder(message)?;
        decoder.by_ref().take(guess as u64).read_to_end(&mut out)?;
        let left = (bytes_max - out.len()) as u64;
        let beyond = io::copy(&mut decoder.take(left.saturating_add(1)), &mut io::sink())?;
        if beyond > left {
            return Ok(None);
        }
        if beyond > 0 {
            let length = out.len() + beyond as usize;
            // Before there is another.
            drop(out);
            out = Vec::with_capacity(length);
            let decoder = self.decoder(message)?;
            decoder.take(length as u64).read_to_end(&mut out)?;
        }
        out.shrink_to_fit();
        Ok(Some(out))
    }

    /// How long the message will be, if it is no longer than `bytes_max`.
    fn guess(self, message: &[u8], bytes_max: usize) -> usize {
        match self {
            // It says so at its end (RFC 1952, section 2.3.1), if that is true.
            #[cfg(feature = "gzip")]
            Self::Gzip => match message.last_chunk() {
                Some(length) if u32::from_le_bytes(*length) as usize <= bytes_max => {
                    let most = message.len().saturating_mul(DEFLATE_RATIO_MAX);
                    most.min(u32::from_le_bytes(*length) as usize)
                }
                _ => 0,
            },
            #[allow(unreachable_patterns)]
            _ => message.len().saturating_mul(USUAL_RATIO_MAX).min(bytes_max),
        }
    }

    #[cfg_attr(
        not(any(feature = "gzip", feature = "zstd", feature = "br")),
        allow(unused_variables, unreachable_code)
    )]
    fn decoder(self, message: &[u8]) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(message)),
            #[cfg(feature = "gzip")]
            Self::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(message)),
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(message)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
            #[cfg(feature = "br")]
            Self::Brotli => Box::new(brotli::Decompressor::new(message, BROTLI_BUFFER_BYTES)),
        })
    }
}

/// Few messages get smaller than that, and to be wrong costs time alone.
const USUAL_RATIO_MAX: usize = 8;

/// DEFLATE cannot do better: 258 bytes for two bits.
#[cfg(feature = "gzip")]
const DEFLATE_RATIO_MAX: usize = 1_032;

/// The fastest level that is not a negative one.
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 1;

/// As fast as gzip's fast level, and smaller.
#[cfg(feature = "br")]
const BROTLI_QUALITY: i32 = 2;

/// What is decompressed at a time.
#[cfg(feature = "br")]
const BROTLI_BUFFER_BYTES: usize = 4 << 10;

/// 8 MiB: RFC 8878 asks decoders to take that much and no more.
#[cfg(feature = "zstd")]
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// What this build can read, as `grpc-accept-encoding` says it.
pub(crate) const ACCEPT: HeaderValue = HeaderValue::from_static(
    match (
        cfg!(feature = "gzip"),
        cfg!(feature = "zstd"),
        cfg!(feature = "br"),
    ) {
        (true, true, true) => "gzip,deflate,zstd,br,identity",
        (true, true, false) => "gzip,deflate,zstd,identity",
        (true, false, true) => "gzip,deflate,br,identity",
        (true, false, false) => "gzip,deflate,identity",
        (false, true, true) => "zstd,br,identity",
        (false, true, false) => "zstd,identity",
        (false, false, true) => "br,identity",
        (false, false, false) => "identity",
    },
);

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

    #[test]
    fn no_guess_has_to_be_right() {
        // Made small beyond what is usual, and in the middle between two guesses.
        for plain in [Vec::new(), vec![7u8; 1 << 20], b"abcdefgh".repeat(100)] {
            for compression in Compression::ALL {
                let mut small = BytesMut::new();
                compression.compress(&plain, &mut small).unwrap();
                for bytes_max in [plain.len(), 4 << 20] {
                    let back = compression.decompress(&small, bytes_max).unwrap();
                    assert_eq!(back, plain, "{compression:?}");
                }
            }
        }
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn what_gzip_says_of_its_length_need_not_be_true() {
        let mut members = BytesMut::new();
        for part in [vec![7u8; 1 << 20], vec![7u8; 1_000]] {
            Compression::Gzip.compress(&part, &mut members).unwrap();
        }
        let whole = (1 << 20) + 1_000;
        let back = Compression::Gzip.decompress(&members, whole).unwrap();
        assert_eq!(back, vec![7u8; whole]);
        let over = Compression::Gzip.decompress(&members, whole - 1);
        assert_eq!(over.unwrap_err().code(), Code::ResourceExhausted);

        let at = members.len() - 4;
        for lie in [0, 1_001, u32::MAX] {
            members[at..].copy_from_slice(&lie.to_le_bytes());
            let lied = Compression::Gzip.decompress(&members, whole).unwrap_err();
            assert_eq!(lied.code(), Code::Internal, "{lie}");
        }
    }
}
