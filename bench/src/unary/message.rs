//! The message that every stack sends and sends back.

/// `message Echo { bytes payload = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Echo {
    /// What comes back as it went.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) payload: Vec<u8>,
}

impl Echo {
    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            payload: vec![0x5a; bytes],
        }
    }
}
