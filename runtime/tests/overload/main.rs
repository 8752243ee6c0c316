//! What a server does with more calls than it can answer: it bounds them,
//! answers what matters most, and refuses the rest before anything began.

#[path = "../common/mod.rs"]
mod common;

mod adaptive;
mod bounds;
mod metrics;
mod slow;
