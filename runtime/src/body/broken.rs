//! Streams that ended before their time, in the words of calls.

use crate::{
    engine::Broken,
    status::{self, Status},
};

/// What a caller hears of it.
pub(crate) fn of_broken(broken: &Broken) -> Status {
    match broken {
        Broken::Reset(code) => Status::new(status::of_reset(code.0), broken.to_string()),
        Broken::Unprocessed(_) | Broken::Lost(_) => Status::unavailable(broken.to_string()),
        Broken::Malformed | Broken::Left => Status::internal(broken.to_string()),
        Broken::TooLarge => Status::resource_exhausted(broken.to_string()),
        Broken::Request(error) => match error.downcast_ref::<Status>() {
            Some(status) => status.clone(),
            None => Status::unknown(broken.to_string()),
        },
    }
}
