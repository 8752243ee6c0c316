//! What the server under test takes and gives.

/// `message Note { bytes payload = 1; uint64 number = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Note {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) payload: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
}

/// How many handlers run, but for those of `Echo` and `Count`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Count {
    #[prost(uint64, tag = "1")]
    pub(crate) now: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) most: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) total: u64,
}
