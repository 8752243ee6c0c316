//! The flags, spelled as the interop suite spells them.
//!
//! Its harnesses pass every flag to every implementation, so a flag that asks for
//! what this one does not have is an error, never ignored.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser};

use crate::case::Case;

/// Runs one case against a server of `grpc.testing.TestService`.
#[derive(Clone, Debug, Parser)]
#[command(name = "client", rename_all = "snake_case")]
pub struct Client {
    /// Host to connect to.
    #[arg(long, default_value = "localhost")]
    pub server_host: String,
    /// Port to connect to.
    #[arg(long, default_value_t = 10000)]
    pub server_port: u16,
    /// Name the server's certificate must be for, if not the host.
    #[arg(long)]
    pub server_host_override: Option<String>,
    /// The case to run.
    #[arg(long, default_value_t = Case::LargeUnary)]
    pub test_case: Case,
    /// Whether and whom to trust.
    #[command(flatten)]
    pub tls: ClientTls,
    /// Credentials other than TLS; none are supported, so only empty is taken.
    #[arg(long, value_parser = ["", "none"])]
    pub custom_credentials_type: Option<String>,
    /// Service configuration to use in place of the resolver's.
    #[arg(long)]
    pub service_config_json: Option<String>,
    /// What the two soak cases do.
    #[command(flatten)]
    pub soak: Soak,
}

/// Whether and whom to trust.
#[derive(Clone, Debug, Args)]
#[command(rename_all = "snake_case")]
pub struct ClientTls {
    /// Connects with TLS.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    pub use_tls: bool,
    /// Trusts the authority of `--ca_file` in place of the system's.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", requires_if("true", "ca_file"))]
    pub use_test_ca: bool,
    /// The authority's certificate, PEM.
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// The client's own certificate, PEM, for a server that asks for one.
    #[arg(long, requires = "tls_key_file")]
    pub tls_cert_file: Option<PathBuf>,
    /// The certificate's key, PEM.
    #[arg(long, requires = "tls_cert_file")]
    pub tls_key_file: Option<PathBuf>,
}

/// How long, how often and how strictly the soak cases call.
#[derive(Clone, Debug, Args)]
#[command(rename_all = "snake_case")]
pub struct Soak {
    /// Calls in all.
    #[arg(long, default_value_t = 10)]
    pub soak_iterations: u32,
    /// Calls that may fail or be late.
    #[arg(long, default_value_t = 0)]
    pub soak_max_failures: u32,
    /// A call that takes longer counts as failed.
    #[arg(long, default_value_t = 1000)]
    pub soak_per_iteration_max_acceptable_latency_ms: u64,
    /// The case fails if not all calls were made by then.
    #[arg(long, default_value_t = 10)]
    pub soak_overall_timeout_seconds: u64,
    /// Least time from the start of a call to that of the next, for each task.
    #[arg(long, default_value_t = 0)]
    pub soak_min_time_ms_between_rpcs: u64,
    /// Payload bytes of a request.
    #[arg(long, default_value_t = 271_828)]
    pub soak_request_size: i32,
    /// Payload bytes of a response.
    #[arg(long, default_value_t = 314_159)]
    pub soak_response_size: i32,
    /// Tasks that call at the same time; they share the iterations evenly.
    #[arg(long, default_value_t = 1)]
    pub soak_num_threads: u32,
}

impl Soak {
    /// A call that takes longer counts as failed.
    pub fn latency_max(&self) -> Duration {
        Duration::from_millis(self.soak_per_iteration_max_acceptable_latency_ms)
    }

    /// How long the whole case may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.soak_overall_timeout_seconds)
    }

    /// Least time from the start of a call to that of the next.
    pub fn pace(&self) -> Duration {
        Duration::from_millis(self.soak_min_time_ms_between_rpcs)
    }
}

/// Serves `grpc.testing.TestService`; prints `listening on PORT` once it does.
#[derive(Clone, Debug, Parser)]
#[command(name = "server", rename_all = "snake_case")]
pub struct Server {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 10000)]
    pub port: u16,
    /// Serves with TLS.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true",
          requires_ifs([("true", "tls_cert_file"), ("true", "tls_key_file")]))]
    pub use_tls: bool,
    /// The server's certificate, PEM.
    #[arg(long)]
    pub tls_cert_file: Option<PathBuf>,
    /// The certificate's key, PEM.
    #[arg(long)]
    pub tls_key_file: Option<PathBuf>,
    /// Asks every client for a certificate of this authority, PEM.
    #[arg(long, requires = "use_tls")]
    pub client_ca_file: Option<PathBuf>,
}

/// Serves one case in which the server does wrong; prints `listening on PORT` once it
/// does. Terminated, it says whether the client did right, and fails if not.
#[derive(Clone, Debug, Parser)]
#[command(name = "http2_negative_server", rename_all = "snake_case")]
pub struct NegativeServer {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// The case to serve.
    #[arg(long, default_value_t = Case::GoAway)]
    pub test_case: Case,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Client, NegativeServer, Server};
    use crate::case::Case;

    #[test]
    fn flags_are_well_formed() {
        Client::command().debug_assert();
        Server::command().debug_assert();
        NegativeServer::command().debug_assert();
    }

    #[test]
    fn the_suite_s_own_spelling_is_understood() {
        let flags = Client::try_parse_from([
            "client",
            "--server_host=127.0.0.1",
            "--server_port=1",
            "--server_host_override=foo.test.google.fr",
            "--use_tls=true",
            "--use_test_ca",
            "--ca_file=ca.pem",
            "--test_case=orca_oob",
            "--soak_num_threads=4",
        ])
        .unwrap();
        assert_eq!(flags.test_case, Case::OrcaOob);
        assert!(flags.tls.use_tls && flags.tls.use_test_ca);
        assert_eq!(flags.soak.soak_num_threads, 4);
        assert!(
            !Client::parse_from(["client", "--use_tls=false"])
                .tls
                .use_tls
        );
    }

    #[test]
    fn tls_needs_its_files() {
        assert!(Server::try_parse_from(["server", "--use_tls"]).is_err());
        assert!(Client::try_parse_from(["client", "--use_test_ca"]).is_err());
        assert!(Client::try_parse_from(["client", "--tls_cert_file=client.pem"]).is_err());
        assert!(Client::try_parse_from(["client", "--custom_credentials_type=alts"]).is_err());
    }
}
