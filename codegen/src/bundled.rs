//! The protos that come with the generator, so that nobody has to copy them.

/// A shipped file: its import name and its text.
pub(crate) struct Bundled {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
}

macro_rules! bundled {
    ($($name:literal)*) => {
        &[$(Bundled { name: $name, source: include_str!(concat!("../protos/", $name)) }),*]
    };
}

pub(crate) const ALL: &[Bundled] = bundled! {
    "cordial/v1/options.proto"
    "google/api/annotations.proto"
    "google/api/client.proto"
    "google/api/field_behavior.proto"
    "google/api/http.proto"
    "google/api/httpbody.proto"
    "google/api/launch_stage.proto"
    "google/api/resource.proto"
    "google/rpc/code.proto"
    "google/rpc/error_details.proto"
    "google/rpc/status.proto"
};

pub(crate) fn find(name: &str) -> Option<&'static Bundled> {
    ALL.iter().find(|bundled| bundled.name == name)
}
