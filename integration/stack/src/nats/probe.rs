//! What a NATS server says about itself when a client connects.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::programs;

pub(super) const DEFAULT_PORT: u16 = 4222;
const GREETING_WITHIN: Duration = Duration::from_secs(5);

/// The fields of `INFO` that are read here.
#[derive(Deserialize)]
struct Greeting {
    version: String,
    #[serde(default)]
    jetstream: bool,
}

/// The server's version; otherwise why it cannot be used.
pub(super) async fn version(url: &str) -> Result<String, String> {
    let greeting = timeout(GREETING_WITHIN, greeting(url))
        .await
        .map_err(|_| format!("no greeting within {GREETING_WITHIN:?}"))?
        .map_err(|error| format!("{error:#}"))?;
    if !greeting.jetstream {
        return Err("it runs without JetStream (start it with `-js`)".to_owned());
    }
    match programs::parse_version(&greeting.version) {
        Some(version) if version >= programs::NATS_SINCE => Ok(greeting.version),
        _ => Err(format!(
            "version {} is too old: at least 2.10 is needed",
            greeting.version
        )),
    }
}

async fn greeting(url: &str) -> Result<Greeting> {
    let uri: http::Uri = url.parse().context("not a URL")?;
    let host = uri.host().context("no host in the URL")?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(DEFAULT_PORT))).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    let json = line.strip_prefix("INFO ").context("not a NATS server")?;
    Ok(serde_json::from_str(json)?)
}
