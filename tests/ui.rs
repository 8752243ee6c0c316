//! Mistakes users make, and what the compiler tells them.
//!
//! The texts are those of the Rust version in `rust-version`; after a change,
//! `TRYBUILD=overwrite cargo test --test ui` accepts them: read them as a user would.

#[test]
fn ui() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
