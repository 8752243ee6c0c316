//! The cases of the interop suite, under the names every implementation uses.

use std::fmt;
use std::str::FromStr;

macro_rules! cases {
    ($($(#[$doc:meta])* $case:ident = $name:literal,)*) => {
        /// One case: a call or a few, and what must come of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Case {
            $($(#[$doc])* $case,)*
        }

        impl Case {
            /// Every case.
            pub const ALL: &[Case] = &[$(Case::$case),*];

            /// The name `--test_case` takes.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Case::$case => $name,)*
                }
            }
        }
    };
}

cases! {
    /// Nothing is answered with nothing.
    EmptyUnary = "empty_unary",
    /// A cached answer is the same answer; without a cache on the way, any answer.
    CacheableUnary = "cacheable_unary",
    /// 271,828 bytes there and 314,159 back.
    LargeUnary = "large_unary",
    /// The server can tell a compressed request from one that is not.
    ClientCompressedUnary = "client_compressed_unary",
    /// The server compresses its answer when asked, and only then.
    ServerCompressedUnary = "server_compressed_unary",
    /// Four messages are added up.
    ClientStreaming = "client_streaming",
    /// Four messages come back, of the sizes asked for.
    ServerStreaming = "server_streaming",
    /// Four questions, each answered before the next.
    PingPong = "ping_pong",
    /// A stream of nothing is answered with a stream of nothing.
    EmptyStream = "empty_stream",
    /// Text and bytes come back as initial and trailing metadata.
    CustomMetadata = "custom_metadata",
    /// A status arrives with its code and its message, from both kinds of call.
    StatusCodeAndMessage = "status_code_and_message",
    /// A message with whitespace and with what lies outside ASCII.
    SpecialStatusMessage = "special_status_message",
    /// A method that is declared and not served.
    UnimplementedMethod = "unimplemented_method",
    /// A service that is not served.
    UnimplementedService = "unimplemented_service",
    /// A call cancelled before its first message.
    CancelAfterBegin = "cancel_after_begin",
    /// A call cancelled after the first answer.
    CancelAfterFirstResponse = "cancel_after_first_response",
    /// A deadline too short for any answer.
    TimeoutOnSleepingServer = "timeout_on_sleeping_server",
    /// A call brings the load it caused in its trailing metadata.
    OrcaPerRpc = "orca_per_rpc",
    /// The server streams its load beside the calls.
    OrcaOob = "orca_oob",
    /// Large calls one after another over one channel.
    RpcSoak = "rpc_soak",
    /// Large calls one after another, each over a new channel.
    ChannelSoak = "channel_soak",
    /// The server goes away after the first call; the second has a new connection.
    GoAway = "goaway",
    /// The server resets the stream once it has sent headers.
    RstAfterHeader = "rst_after_header",
    /// The server resets the stream in the middle of its answer.
    RstDuringData = "rst_during_data",
    /// The server resets the stream in place of a status.
    RstAfterData = "rst_after_data",
    /// The server sends PINGs between the parts of its answer.
    Ping = "ping",
    /// The server takes one call at a time.
    MaxStreams = "max_streams",
    /// The server sends five bytes at a time, and pads them with 255.
    DataFramePadding = "data_frame_padding",
    /// The server sends five bytes at a time.
    SmallDataFrames = "no_df_padding_sanity_test",
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Case::ALL.iter().find(|case| case.name() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = Case::ALL.iter().map(|case| case.name()).collect();
            format!("no case has this name; the cases are: {}", names.join(" "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn every_name_is_its_own() {
        for case in Case::ALL {
            assert_eq!(case.name().parse(), Ok(*case));
        }
        assert_eq!(Case::ALL.len(), 29);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "large_unry".parse::<Case>().unwrap_err();
        assert!(
            error.ends_with("data_frame_padding no_df_padding_sanity_test"),
            "{error}"
        );
    }
}
