//! Boxes, which messages that hold their own kind have.

use crate::json::{Json, Reading, Writing};
use serde_core::{Deserializer, Serializer};

impl<M: Json> Json for Box<M> {
    const OBJECT: bool = M::OBJECT;
    const NULL: bool = M::NULL;

    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        M::write(self, writing, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        M::read(reading, deserializer).map(Self::new)
    }
}
