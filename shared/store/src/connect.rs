//! Connecting at start: waits up to a minute for a Postgres that is not up yet, fails at once where waiting does not help.

use std::{str::FromStr, time::Duration};

use anyhow::{Context as _, bail};
use galaxy_service::Process;
use secrecy::ExposeSecret;
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};
use tokio::time::Instant;

use crate::{Db, MigrateMode, PostgresConfig, db::PING_ALWAYS, migrate};

/// How long a process waits for Postgres and for the schema before it gives up.
const STARTUP_TIMEOUT: Duration = Duration::from_mins(1);
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long one attempt to connect may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for less is taken to work; others are pinged, which costs a round trip.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

impl Db {
    /// Connects, brings the schema to the expected migration (or waits for it) and adds the readiness probe.
    pub async fn connect(config: &PostgresConfig, process: &Process) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(config.url.expose_secret())
            .map_err(|_| anyhow::anyhow!("BACKEND_POSTGRES_URL is not a Postgres URL"))?
            .application_name(process.name);
        let pool = PgPoolOptions::new()
            .max_connections(config.max_connections)
            .acquire_timeout(Duration::from_secs(5))
            .max_lifetime(Duration::from_mins(30))
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= TRUSTED_IDLE || PING_ALWAYS.try_get().is_ok() {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options.clone());
        let deadline = Instant::now() + STARTUP_TIMEOUT;
        wait_until_up(&options, deadline).await?;
        bring_schema(&pool, config.migrate, deadline).await?;
        let probed = pool.clone();
        process.readiness.probe("postgres", move || {
            let pool = probed.clone();
            async move {
                migrate::check(&pool)
                    .await
                    .map_err(|error| error.to_string())
            }
        });
        Ok(Self::new(pool))
    }
}

/// Tries single connections, since the pool would try without logging why it fails.
async fn wait_until_up(options: &PgConnectOptions, deadline: Instant) -> anyhow::Result<()> {
    loop {
        let attempt =
            tokio::time::timeout(ATTEMPT_TIMEOUT, PgConnection::connect_with(options)).await;
        let error = match attempt {
            Ok(Ok(connection)) => return Ok(connection.close().await?),
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::PoolTimedOut,
        };
        if let sqlx::Error::Database(refusal) = &error
            && refusal
                .code()
                .is_some_and(|code| !code.starts_with("57P") && code != "53300")
        {
            bail!(
                "Postgres refuses the connection: {}; check BACKEND_POSTGRES_URL",
                refusal.message()
            );
        }
        if Instant::now() >= deadline {
            return Err(error).context(
                "Postgres cannot be reached; is it up, and is BACKEND_POSTGRES_URL right?",
            );
        }
        tracing::warn!(%error, "Postgres cannot be reached yet; waiting");
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

async fn bring_schema(pool: &PgPool, mode: MigrateMode, deadline: Instant) -> anyhow::Result<()> {
    if mode == MigrateMode::Apply {
        return migrate::apply(pool)
            .await
            .context("the schema cannot be migrated");
    }
    loop {
        match migrate::check(pool).await {
            Ok(()) => return Ok(()),
            Err(error @ migrate::Mismatch::Behind { .. }) if Instant::now() < deadline => {
                tracing::warn!(%error, "waiting for another process to migrate");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            Err(error) => {
                return Err(error).context("the schema is not the one this version works with");
            }
        }
    }
}
