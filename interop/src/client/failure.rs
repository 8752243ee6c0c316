//! Why a case failed.

use std::error::Error;
use std::fmt;

use cordial::{Code, Result as CallResult, Status};

/// Why a case failed.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// Fails unless `got` is `wanted`.
pub(super) fn equal<T: PartialEq + fmt::Debug>(
    got: T,
    wanted: T,
    what: &str,
) -> Result<(), Failure> {
    if got == wanted {
        return Ok(());
    }
    Err(Failure(format!("{what}: got {got:?}, want {wanted:?}")))
}

/// Fails unless the call ended with this code; gives the status.
pub(super) fn ended_with<T>(result: CallResult<T>, code: Code) -> Result<Status, Failure> {
    match result {
        Err(status) if status.code() == code => Ok(status),
        Err(status) => Err(Failure(format!(
            "want {code:?}, got {}",
            Failure::from(status)
        ))),
        Ok(_) => Err(Failure(format!("want {code:?}, got an answer"))),
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self(format!("{:?}: {}", status.code(), status.message()))
    }
}

impl From<cordial::Error> for Failure {
    fn from(error: cordial::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for Failure {}
