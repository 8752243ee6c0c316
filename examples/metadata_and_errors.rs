//! Metadata both ways, statuses with details, deadlines, and a layer.
//!
//! Notice: the layer asks for the role that `accounts.proto` declares in a
//! custom option, typed; what a caller is told is a `Status`, with `google.rpc`
//! details for machines; and nobody works past a deadline.

use cordial::{Body, Channel, Code, ErrorDetails, Next, Server, Status, StatusExt};
use cordial::{Request, Response, Result};
use pb::{Accounts, AccountsClient, Balance, GetBalanceRequest, WithdrawRequest};
use std::time::Duration;

mod pb {
    cordial::include_protos!("bank.v1");
}

struct Bank;

impl Accounts for Bank {
    async fn get_balance(&self, request: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
        let left = request
            .deadline()
            .map(|deadline| deadline.remaining().as_secs_f32().ceil());
        println!("  get_balance has {left:?} s left");
        if request.get_ref().account == "lost" {
            std::future::pending::<()>().await; // until the deadline drops this handler
        }
        let mut response = Response::new(Balance { cents: 100 });
        response
            .metadata_mut()
            .insert("branch", "main".parse().unwrap());
        response.trailers_mut().insert("cost", "1".parse().unwrap());
        Ok(response)
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<Balance>> {
        match request.into_inner().cents {
            cents @ 1..=100 => Ok(Balance { cents: 100 - cents }.into()),
            cents => {
                let why = format!("{cents} is not within 1 and 100");
                let details = ErrorDetails::with_bad_request_violation("cents", why);
                let said = "you cannot withdraw that";
                Err(Status::with_error_details(
                    Code::InvalidArgument,
                    said,
                    details,
                ))
            }
        }
    }
}

/// Refuses callers without the role, before a byte of their message is decoded.
async fn authorize(request: Request<Body>, next: Next) -> Result<Response<Body>> {
    if let Some(role) = next.method().option(pb::ROLE) {
        let has = request.metadata().get("role");
        if has.is_none_or(|has| has != role.as_str()) {
            let method = next.method().name();
            return Err(Status::permission_denied(format!(
                "{method} is for the {role}"
            )));
        }
    }
    next.run(request).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new()
        .layer(authorize)
        .add(pb::accounts_server(Bank));
    let bound = server.bind("127.0.0.1:0").await?;
    let accounts = AccountsClient::new(Channel::to(bound.uri())?);
    tokio::spawn(bound.serve());

    let balance = |account: &str| {
        accounts.get_balance(GetBalanceRequest {
            account: account.into(),
        })
    };
    let response = balance("ada").timeout(Duration::from_secs(5)).await?;
    println!("initial: {:?}", response.metadata().get("branch"));
    println!("trailing: {:?}", response.trailers().get("cost"));
    let late = balance("lost")
        .timeout(Duration::from_millis(50))
        .await
        .unwrap_err();
    println!("too late: {:?}", late.code());

    let withdraw = |cents| {
        accounts.withdraw(WithdrawRequest {
            account: "ada".into(),
            cents,
        })
    };
    let refused = withdraw(10).await.unwrap_err();
    println!("no role: {:?}: {}", refused.code(), refused.message());
    println!(
        "as owner: {:?}",
        withdraw(10).metadata("role", "owner").await?.into_inner()
    );
    let refused = withdraw(500).metadata("role", "owner").await.unwrap_err();
    println!(
        "too much: {}: {:?}",
        refused.message(),
        refused.get_details_bad_request()
    );
    Ok(())
}
