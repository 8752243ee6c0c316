//! `Reading`, `Writing`: what a message has to know of the JSON around it.

use super::{DEPTH_MAX, Options};
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
        match deeper(self.depth) {
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

    /// In an `Any` of this type.
    pub(super) fn of_type(self, type_url: &'a str) -> Self {
        let type_url = Some(type_url);
        Self { type_url, ..self }
    }

    /// In one more object or array.
    pub(super) fn deeper<E: ser::Error>(self) -> Result<Writing<'static>, E> {
        match deeper(self.depth) {
            Some(depth) => Ok(Writing {
                options: self.options,
                type_url: None,
                depth,
            }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

fn deeper(depth: usize) -> Option<usize> {
    (depth < DEPTH_MAX).then(|| depth + 1)
}

const TOO_DEEP: &str = "more than 100 objects and arrays in one another";
