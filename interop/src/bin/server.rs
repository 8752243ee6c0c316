//! The interop server.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use cordial::{Pem, ServerTls, shutdown_signal};
use interop::flag::Server;

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Server::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(flags: Server) -> Result<(), Box<dyn Error>> {
    let mut server = interop::server::new()?.shutdown_on(shutdown_signal());
    if flags.use_tls
        && let (Some(certificate), Some(key)) = (&flags.tls_cert_file, &flags.tls_key_file)
    {
        let (certificate, key) = (Pem::file(certificate), Pem::file(key));
        server = server.tls(match &flags.client_ca_file {
            None => ServerTls::new(certificate, key)?,
            Some(clients) => ServerTls::mutual(certificate, key, Pem::file(clients))?,
        });
    }
    let bound = server.bind(format!("127.0.0.1:{}", flags.port)).await?;
    let port = bound.address().rsplit(':').next().unwrap_or_default();
    println!("listening on {port}");
    bound.serve().await;
    Ok(())
}
