//! Databases of a measure, on a server that is there.

use std::str::FromStr;

use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

/// Drops and creates the database.
pub async fn make(server_url: &str, name: &str) -> Result<()> {
    remove(server_url, name).await?;
    execute(server_url, format!("create database {name}")).await
}

/// Drops the database and its connections.
pub async fn remove(server_url: &str, name: &str) -> Result<()> {
    execute(
        server_url,
        format!("drop database if exists {name} with (force)"),
    )
    .await
}

async fn execute(url: &str, statement: String) -> Result<()> {
    let mut connection = PgConnection::connect_with(&PgConnectOptions::from_str(url)?).await?;
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}
