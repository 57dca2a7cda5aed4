//! Connecting at start: waits up to a minute for a Postgres that is not up yet, fails at once where waiting does not help.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use galaxy_service::Process;
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPool},
};
use tokio::time::Instant;

use crate::{
    Db, MigrateMode, PostgresConfig,
    clock::{self, Follower},
    connections::{self, Connections},
    grants, metrics, migrate, probe,
};

/// How long a process waits for Postgres and for the schema before it gives up.
const STARTUP_TIMEOUT: Duration = Duration::from_mins(1);
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long one attempt to connect may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the file of the URL is read again, beside the times when Postgres refuses the password.
const RENEW_PERIOD: Duration = Duration::from_secs(30);
/// As Postgres gives its version: 15.0. Older ones lack what the schema uses.
const MIN_VERSION: u32 = 150_000;

impl Db {
    /// Connects, brings the schema to the expected migration (or waits for it), adds the readiness probe, and lets the
    /// process go by the database's clock.
    pub async fn connect(config: &PostgresConfig, process: &Process) -> anyhow::Result<Self> {
        let connections = Arc::new(Connections::new(config, process.name));
        let pool = connections::pool(&connections, config)?;
        let plain = connections::plain(&config.url, process.name)?;
        let deadline = Instant::now() + STARTUP_TIMEOUT;
        let mut connection = wait_until_up(&plain, deadline).await?;
        let follower = Follower::new(&process.clock, process.readiness.degraded_latch("clock"));
        follower.follow(&mut connection).await?;
        connection.close().await?;
        match config.migrate {
            MigrateMode::Apply => bring_schema(&plain, config).await?,
            MigrateMode::Wait => wait_for_schema(&pool, deadline).await?,
        }
        metrics::observe(&pool);
        let db = Self::over(pool, connections);
        let probed = db.clone();
        process.readiness.probe("postgres", move || {
            let db = probed.clone();
            async move { probe::postgres(&db).await }
        });
        db.follow_clock(process, follower);
        db.renew_url(process);
        Ok(db)
    }

    fn follow_clock(&self, process: &Process, follower: Follower) {
        let (db, follower) = (self.clone(), Arc::new(follower));
        process.tasks.every("clock", clock::PERIOD, move || {
            let (db, follower) = (db.clone(), follower.clone());
            async move {
                let read: crate::Result<()> =
                    async { Ok(follower.follow(&mut *db.acquire().await?).await?) }.await;
                if let Err(error) = read {
                    tracing::debug!(%error, "the database's clock cannot be read");
                }
            }
        });
    }

    fn renew_url(&self, process: &Process) {
        if !self.connections().can_renew() {
            return;
        }
        let db = self.clone();
        process.tasks.every("postgres_url", RENEW_PERIOD, move || {
            db.connections().renew(db.pool());
            std::future::ready(())
        });
    }
}

/// Tries single connections, since the pool would try without logging why it fails. Returns one to a server that is new enough
/// and takes writes.
async fn wait_until_up(
    options: &PgConnectOptions,
    deadline: Instant,
) -> anyhow::Result<PgConnection> {
    loop {
        let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, usable(options)).await;
        let error = match attempt {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => Unusable::Connection(sqlx::Error::PoolTimedOut),
        };
        match &error {
            Unusable::Connection(sqlx::Error::Database(refusal))
                if refusal
                    .code()
                    .is_some_and(|code| !code.starts_with("57P") && code != "53300") =>
            {
                bail!(
                    "Postgres refuses the connection: {}; check BACKEND_POSTGRES_URL",
                    refusal.message()
                );
            }
            Unusable::TooOld(_) => return Err(error.into()),
            _ => {}
        }
        if Instant::now() >= deadline {
            return match error {
                Unusable::Connection(error) => Err(error).context(
                    "Postgres cannot be reached; is it up, and is BACKEND_POSTGRES_URL right?",
                ),
                error => Err(error.into()),
            };
        }
        tracing::warn!(%error, "Postgres cannot be used yet; waiting");
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// Why a Postgres cannot be worked with.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Connection(#[from] sqlx::Error),
    #[error("Postgres {0} is too old: at least 15 is needed")]
    TooOld(String),
    #[error("{0}")]
    ReadOnly(#[from] probe::ReadOnly),
}

async fn usable(options: &PgConnectOptions) -> Result<PgConnection, Unusable> {
    let mut connection = PgConnection::connect_with(options).await?;
    if connection
        .server_version_num()
        .is_some_and(|version| !is_new_enough(version))
    {
        let version = sqlx::query_scalar("show server_version")
            .fetch_one(&mut connection)
            .await?;
        return Err(Unusable::TooOld(version));
    }
    probe::writable(&mut connection).await??;
    Ok(connection)
}

const fn is_new_enough(version: u32) -> bool {
    version >= MIN_VERSION
}

/// Migrates, and grants the role of the processes what it needs in the schema as it then is.
async fn bring_schema(options: &PgConnectOptions, config: &PostgresConfig) -> anyhow::Result<()> {
    migrate::apply(options)
        .await
        .context("the schema cannot be migrated")?;
    if let Some(role) = &config.runtime_role {
        let mut connection = PgConnection::connect_with(options).await?;
        grants::grant_runtime_role(&mut connection, role).await?;
        connection.close().await?;
    }
    Ok(())
}

async fn wait_for_schema(pool: &PgPool, deadline: Instant) -> anyhow::Result<()> {
    loop {
        let mut connection = pool.acquire().await?;
        match migrate::check_whole(&mut connection).await {
            Ok(()) => return Ok(()),
            Err(error) if error.may_pass() && Instant::now() < deadline => {
                drop(connection);
                tracing::warn!(%error, "waiting for another process to migrate");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            Err(error) => {
                return Err(error).context("the schema is not one that this version works with");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_15_is_new_enough() {
        for (version, enough) in [(140_013, false), (150_000, true), (170_002, true)] {
            assert_eq!(is_new_enough(version), enough, "{version}");
        }
    }
}
