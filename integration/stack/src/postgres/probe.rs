//! Whether a Postgres answers, and its version.

use anyhow::{Context, Result, bail};
use sqlx::{Connection, PgConnection};

use crate::programs;

pub(super) async fn answers(url: &str) -> Result<(), String> {
    match PgConnection::connect(url).await {
        Ok(connection) => connection.close().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The server's version; an error if it cannot be reached or is too old.
pub(super) async fn version(url: &str) -> Result<String> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("cannot reach Postgres")?;
    let version: String = sqlx::query_scalar("show server_version")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    match programs::parse_version(&version) {
        Some(numbers) if numbers < programs::POSTGRES_SINCE => {
            bail!("Postgres {version} is too old: at least 15 is needed")
        }
        _ => Ok(version.split(' ').next().unwrap_or_default().to_owned()),
    }
}
