//! Enum values from the numbers that travel.

use std::{
    iter::{Cloned, FilterMap},
    slice::Iter,
};

/// Yields the values that the enum `E` has names for.
pub type Known<'a, E> = FilterMap<Cloned<Iter<'a, i32>>, fn(i32) -> Option<E>>;

/// The values among `values` that the enum `E` has names for.
pub fn known<E: TryFrom<i32>>(values: &[i32]) -> Known<'_, E> {
    values
        .iter()
        .cloned()
        .filter_map(|value| E::try_from(value).ok())
}

/// The value that the enum `E` has a name for.
pub fn value<E: TryFrom<i32>>(number: impl Into<Option<i32>>) -> Option<E> {
    number.into().and_then(|number| E::try_from(number).ok())
}
