//! The wrappers, which are Rust's own types: the value alone.

use crate::{
    json::{Json, JsonKind, Reading, Writing},
    wire::kind,
};
use prost::bytes::Bytes;
use serde_core::{Deserializer, Serializer, de};

macro_rules! wrappers {
    ($($ty:ty, $kind:ident;)*) => {$(
        impl Json for $ty {
            fn write<S: Serializer>(
                &self,
                writing: Writing<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                <kind::$kind as JsonKind<$ty>>::write(self, writing, serializer)
            }

            fn read<'de, D: Deserializer<'de>>(
                reading: Reading,
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let read = <kind::$kind as JsonKind<$ty>>::read(reading, deserializer)?;
                read.ok_or_else(|| de::Error::custom("a value nobody knows"))
            }
        }
    )*};
}

wrappers! {
    bool, bool;
    i32, int32;
    i64, int64;
    u32, uint32;
    u64, uint64;
    f32, float;
    f64, double;
    String, string;
    Vec<u8>, bytes;
    Bytes, bytes;
}
