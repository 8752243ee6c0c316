//! The server of the cases in which it is the server that does wrong.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use cordial::shutdown_signal;
use interop::flag::NegativeServer;
use interop::negative::Server;

#[tokio::main]
async fn main() -> ExitCode {
    let flags = NegativeServer::parse();
    match serve(&flags).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http2_negative_server: {}: {error}", flags.test_case);
            ExitCode::FAILURE
        }
    }
}

async fn serve(flags: &NegativeServer) -> Result<(), Box<dyn Error>> {
    let server = Server::start(flags.test_case, flags.port).await?;
    println!("listening on {}", server.address().port());
    shutdown_signal().await;
    Ok(server.verdict().await?)
}
