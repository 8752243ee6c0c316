//! Who could have calls, who is left out and why: what a call to be explained is told.

use super::slot::{Slot, State};
use crate::{balance::Balancer, endpoint::Endpoint, outlier::Outliers, status::Status};
use std::{
    fmt::{self, Write},
    sync::Arc,
};

/// Addresses left out that are told at once; of more, only their number.
const LEFT_OUT_MAX: usize = 10;

/// How the endpoints of a pool stand.
pub(super) struct Standing {
    balancer: Arc<dyn Balancer>,
    /// Addresses that the resolver found.
    resolved: usize,
    ready: usize,
    left_out: Vec<(Arc<[Endpoint]>, Why)>,
}

enum Why {
    Ejected(&'static str),
    Failing(Arc<Status>),
    Connecting,
    Idle,
}

impl Standing {
    pub(super) fn new(
        balancer: Arc<dyn Balancer>,
        resolved: usize,
        slots: &[Slot],
        outliers: &Outliers,
    ) -> Self {
        let mut left_out = Vec::new();
        for slot in slots {
            let why = match slot.ready() {
                Some(_) => outliers.why_ejected(slot.id).map(Why::Ejected),
                None => Some(match (slot.why(), &slot.state) {
                    (Some(why), _) => Why::Failing(why),
                    (None, State::Idle) => Why::Idle,
                    (None, _) => Why::Connecting,
                }),
            };
            left_out.extend(why.map(|why| (slot.endpoints.clone(), why)));
        }
        Self {
            balancer,
            resolved,
            ready: slots.len() - left_out.len(),
            left_out,
        }
    }
}

/// "by `RoundRobin`, 2 of 3 addresses are READY; left out: `10.0.0.7:80` (connecting)"
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            balancer,
            resolved,
            ready,
            left_out,
        } = self;
        let balancer = name(&**balancer);
        write!(f, "by `{balancer}`, {ready} of {resolved} addresses READY")?;
        for (nth, (endpoints, why)) in left_out.iter().take(LEFT_OUT_MAX).enumerate() {
            f.write_str(if nth == 0 { "; left out: " } else { ", " })?;
            for (nth, endpoint) in endpoints.iter().take(LEFT_OUT_MAX).enumerate() {
                let or = if nth == 0 { "" } else { " or " };
                write!(f, "{or}`{}`", endpoint.address())?;
            }
            write!(f, " ({why})")?;
        }
        match left_out.len().saturating_sub(LEFT_OUT_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ejected(reason) => write!(f, "ejected: {reason}"),
            Self::Failing(why) => f.write_str(why.message()),
            Self::Connecting => f.write_str("connecting"),
            Self::Idle => f.write_str("not connected"),
        }
    }
}

/// The type's name, which is what its `Debug` begins with. What follows may be large,
/// and is not asked for.
fn name(balancer: &dyn Balancer) -> String {
    let mut name = Name(String::new());
    // It fails at the first letter that is not the name's.
    let _ = write!(name, "{balancer:?}");
    name.0
}

struct Name(String);

impl Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_name = |char: char| char.is_alphanumeric() || char == '_';
        let end = text.find(|char| !is_name(char));
        self.0.push_str(&text[..end.unwrap_or(text.len())]);
        match end {
            Some(_) => Err(fmt::Error),
            None => Ok(()),
        }
    }
}
