//! The golden files of the generator compile in the strictest crate a user may have: every case as
//! `include_protos!()` would include it, with nothing allowed that a user would have to allow.
#![deny(warnings, clippy::pedantic)]
// A lint of this workspace, which is off unless asked for.
#![allow(unreachable_pub)]

/// What the case `knobs` takes from another crate.
mod elsewhere {
    #[derive(Clone, PartialEq, Eq, Hash, cordial::prost::Message)]
    #[prost(prost_path = "cordial::prost")]
    pub struct Place {
        #[prost(string, tag = "1")]
        pub name: String,
    }
}

macro_rules! golden {
    ($($case:ident)*) => {
        $(mod $case {
            include!(concat!("../codegen/tests/golden/", stringify!($case), "/_packages.rs"));
        })*
    };
}

golden! {
    comments
    deprecated
    empty
    google
    greeter
    knobs
    names
    no_package
    options
    packages
    proto2
    shapes
    streams
}
