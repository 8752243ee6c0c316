//! What a user's first repository looks like: two dependencies, one line of
//! `build.rs`, a trait with an `async fn`.

use cordial::{Channel, Request, Response, Result, Server, Status, google::protobuf::Timestamp};
use pb::{GetReportRequest, Report, Weather, WeatherClient, weather_server};
use std::time::SystemTime;

mod pb {
    cordial::include_protos!("weather.v1");
}

struct Window;

impl Weather for Window {
    async fn get_report(&self, request: Request<GetReportRequest>) -> Result<Response<Report>> {
        let temperature = match request.into_inner().city.as_str() {
            "Oslo" => -3.5,
            "Cairo" => 28.0,
            city => return Err(Status::not_found(format!("no window looks at `{city}`"))),
        };
        let seen_at = Some(Timestamp::from(SystemTime::now()));
        let report = Report { temperature, seen_at };
        Ok(report.into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bound = Server::new().add(weather_server(Window)).bind("127.0.0.1:0").await?;
    let weather = WeatherClient::new(Channel::to(bound.uri())?);
    tokio::spawn(bound.serve());

    for city in ["Oslo", "Atlantis"] {
        let request = GetReportRequest { city: city.to_owned() };
        match weather.get_report(request).await {
            Ok(report) => println!("{city}: {} °C", report.into_inner().temperature),
            Err(status) => println!("{city}: {}", status.message()),
        }
    }
    Ok(())
}
