//! `Reading`, `Writing`: what a message has to know of the JSON around it.

use super::{ANY_DEPTH, DEPTH_MAX, Options};
use serde_core::{de, ser};

/// JSON that is being read: by which options, and how deep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    pub(super) options: Options,
    depth: usize,
}

impl Reading {
    /// What is read is in nothing else.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self { options, depth: 0 }
    }

    /// In one more object or array.
    pub(super) fn deeper<E: de::Error>(self) -> Result<Self, E> {
        self.deeper_by(1)
    }

    /// In one more `Any`, beside its object.
    pub(super) fn in_any<E: de::Error>(self) -> Result<Self, E> {
        self.deeper_by(ANY_DEPTH - 1)
    }

    fn deeper_by<E: de::Error>(self, levels: usize) -> Result<Self, E> {
        match deeper(self.depth, levels) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

/// JSON that is being written: by which options, and how deep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writing<'a> {
    pub(super) options: Options,
    /// What is in an `Any` says so in its first field.
    pub(super) type_url: Option<&'a str>,
    depth: usize,
}

impl<'a> Writing<'a> {
    /// What is written is in nothing else.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self {
            options,
            type_url: None,
            depth: 0,
        }
    }

    /// In an `Any` of this type, beside its object.
    pub(super) fn in_any<E: ser::Error>(self, type_url: &'a str) -> Result<Self, E> {
        let Some(depth) = deeper(self.depth, ANY_DEPTH - 1) else {
            return Err(E::custom(TOO_DEEP));
        };
        Ok(Self {
            type_url: Some(type_url),
            depth,
            ..self
        })
    }

    /// In one more object or array.
    pub(super) fn deeper<E: ser::Error>(self) -> Result<Writing<'static>, E> {
        match deeper(self.depth, 1) {
            Some(depth) => Ok(Writing {
                options: self.options,
                type_url: None,
                depth,
            }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

fn deeper(depth: usize, levels: usize) -> Option<usize> {
    (depth + levels <= DEPTH_MAX).then(|| depth + levels)
}

const TOO_DEEP: &str = "more than 100 objects and arrays in one another";
