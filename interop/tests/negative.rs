//! Our client against a server that does wrong, case by case, on loopback.

use clap::Parser;
use interop::case::Case;
use interop::flag::Client;
use interop::negative::Server;

/// Runs the case; both ends have their say.
async fn passes(case: Case) {
    let server = Server::start(case, 0).await.unwrap();
    let flags = Client::parse_from([
        "client".to_owned(),
        "--server_host=127.0.0.1".to_owned(),
        format!("--server_port={}", server.address().port()),
        format!("--test_case={case}"),
    ]);
    let client = interop::client::run(&flags).await;
    let server = server.verdict().await;
    client
        .unwrap_or_else(|failure| panic!("{case}, the client: {failure}; the server: {server:?}"));
    server.unwrap_or_else(|failure| panic!("{case}, the server: {failure}"));
}

macro_rules! cases {
    ($($name:ident: $case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                passes(Case::$case).await;
            }
        )*
    };
}

cases! {
    goaway: GoAway,
    rst_after_header: RstAfterHeader,
    rst_during_data: RstDuringData,
    rst_after_data: RstAfterData,
    ping: Ping,
    max_streams: MaxStreams,
    data_frame_padding: DataFramePadding,
    no_df_padding_sanity_test: SmallDataFrames,
}

#[tokio::test]
async fn a_case_that_needs_another_server_is_refused() {
    let error = Server::start(Case::LargeUnary, 0).await.unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("`large_unary` needs a server"), "{error}");
    assert!(error.ends_with("no_df_padding_sanity_test"), "{error}");
}
