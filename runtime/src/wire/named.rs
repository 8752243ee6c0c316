//! Enum values that are shown by their names, though they are held as numbers.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{Debug, Formatter, Result},
    marker::PhantomData,
};

/// A field of enum values as `Debug` is to show it: names, and numbers that have none.
pub fn named<E, T: Named>(field: &T) -> impl Debug
where
    E: TryFrom<i32> + Debug,
{
    Shown(field, PhantomData::<E>)
}

/// What holds enum values.
pub trait Named {
    /// Shows the values by the names that `E` gives them.
    ///
    /// # Errors
    ///
    /// When the formatter fails.
    fn fmt<E: TryFrom<i32> + Debug>(&self, f: &mut Formatter<'_>) -> Result;
}

struct Shown<'a, E, T>(&'a T, PhantomData<E>);

impl<E: TryFrom<i32> + Debug, T: Named> Debug for Shown<'_, E, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0.fmt::<E>(f)
    }
}

fn shown<E, T>(value: &T) -> Shown<'_, E, T> {
    Shown(value, PhantomData)
}

impl Named for i32 {
    fn fmt<E: TryFrom<i32> + Debug>(&self, f: &mut Formatter<'_>) -> Result {
        match E::try_from(*self) {
            Ok(value) => Debug::fmt(&value, f),
            Err(_) => Debug::fmt(self, f),
        }
    }
}

impl Named for Option<i32> {
    fn fmt<E: TryFrom<i32> + Debug>(&self, f: &mut Formatter<'_>) -> Result {
        Debug::fmt(&self.as_ref().map(shown::<E, _>), f)
    }
}

impl Named for Vec<i32> {
    fn fmt<E: TryFrom<i32> + Debug>(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list()
            .entries(self.iter().map(shown::<E, _>))
            .finish()
    }
}

macro_rules! maps {
    ($($map:ident)*) => {$(
        impl<K: Debug> Named for $map<K, i32> {
            fn fmt<E: TryFrom<i32> + Debug>(&self, f: &mut Formatter<'_>) -> Result {
                let entries = self.iter().map(|(key, value)| (key, shown::<E, _>(value)));
                f.debug_map().entries(entries).finish()
            }
        }
    )*};
}

maps!(HashMap BTreeMap);
