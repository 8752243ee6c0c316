//! Mutual TLS: each end proves itself, and the handler is told who calls.
//!
//! Notice: the handler asks what the caller proved, not what it says. With
//! `Pem::file(path)` in place of the text, renewed certificates are followed
//! while the server serves: `docs/TLS.md`.

use cordial::{Channel, ClientTls, Request, Response, Result, Server, ServerTls, Status};
use pb::{Accounts, AccountsClient, Balance, GetBalanceRequest, WithdrawRequest, accounts_server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};

mod pb {
    cordial::include_protos!("bank.v1");
}

struct Bank;

impl Accounts for Bank {
    async fn get_balance(&self, request: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
        let identity = request.peer_identity();
        match identity.and_then(|identity| identity.spiffe_id()) {
            Some("spiffe://bank.example/teller") => Ok(Balance { cents: 10_000 }.into()),
            other => Err(Status::permission_denied(format!("{other:?} is no teller"))),
        }
    }

    async fn withdraw(&self, _: Request<WithdrawRequest>) -> Result<Response<Balance>> {
        Err(Status::unimplemented("look, but do not touch"))
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Authority::self_signed(params, KeyPair::generate()?)
}

/// A certificate for `name` and its key, as PEM.
fn issue(authority: &Authority, name: SanType) -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![name];
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    Ok((
        params.signed_by(&key, authority)?.pem(),
        key.serialize_pem(),
    ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let authority = authority()?;
    let (chain, key) = issue(&authority, SanType::IpAddress([127, 0, 0, 1].into()))?;
    let tls = ServerTls::mutual(chain, key, authority.pem())?;
    let server = Server::new().add(accounts_server(Bank)).tls(tls);
    let bound = server.bind("127.0.0.1:0").await?;
    let uri = bound.uri();
    tokio::spawn(bound.serve());

    for caller in ["teller", "janitor", "stranger"] {
        let mut tls = ClientTls::new().with_roots(authority.pem())?;
        if caller != "stranger" {
            let id = format!("spiffe://bank.example/{caller}");
            let (chain, key) = issue(&authority, SanType::URI(id.try_into()?))?;
            tls = tls.with_identity(chain, key)?;
        }
        let accounts = AccountsClient::new(Channel::to(&uri)?.with_tls(tls));
        let account = "ada".to_owned();
        match accounts.get_balance(GetBalanceRequest { account }).await {
            Ok(balance) => println!("{caller}: {} cents", balance.into_inner().cents),
            Err(status) => println!("{caller}: {:?}: {}", status.code(), status.message()),
        }
    }
    Ok(())
}
