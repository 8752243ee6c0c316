//! Client and service in one process, without a socket and without
//! serialization: for tests, and for one binary that holds several services.
//!
//! Notice: `in_process()` is the only difference. Deadlines, cancellation,
//! metadata, layers and statuses are those of the wire.

use cordial::{Channel, Request, Response, Result, Server, Status};
use pb::{Accounts, AccountsClient, Balance, GetBalanceRequest, WithdrawRequest, accounts_server};

mod pb {
    cordial::include_protos!("bank.v1");
}

/// The service under test. It calls another one, through whatever channel.
struct Atm {
    bank: AccountsClient,
    notes_cents: i64,
}

impl Accounts for Atm {
    async fn get_balance(&self, request: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
        self.bank.get_balance(request.into_inner()).await
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<Balance>> {
        let request = request.into_inner();
        if request.cents % self.notes_cents != 0 {
            let note = self.notes_cents;
            return Err(Status::invalid_argument(format!(
                "only notes of {note} cents here"
            )));
        }
        self.bank.withdraw(request).await
    }
}

/// What stands in for the bank in a test.
struct FakeBank;

impl Accounts for FakeBank {
    async fn get_balance(&self, _: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
        Ok(Balance { cents: 10_000 }.into())
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<Balance>> {
        let cents = 10_000 - request.into_inner().cents;
        Ok(Balance { cents }.into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bank: Channel = Server::new().add(accounts_server(FakeBank)).in_process()?;
    let atm = Atm {
        bank: AccountsClient::new(bank),
        notes_cents: 1_000,
    };
    let atm = Server::new().add(accounts_server(atm)).in_process()?;
    let atm = AccountsClient::new(atm);

    let account = "ada".to_owned();
    let balance = atm
        .get_balance(GetBalanceRequest {
            account: account.clone(),
        })
        .await?;
    println!("before: {} cents", balance.into_inner().cents);
    let withdraw = |cents| {
        atm.withdraw(WithdrawRequest {
            account: account.clone(),
            cents,
        })
    };
    println!("after: {} cents", withdraw(3_000).await?.into_inner().cents);
    let status = withdraw(1_234).await.unwrap_err();
    println!("{:?}: {}", status.code(), status.message());
    Ok(())
}
