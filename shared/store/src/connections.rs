//! How connections are opened: with the URL that was read last, and with limits; and why none could be had.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use galaxy_service::config::RotatingSecret;
use secrecy::ExposeSecret;
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};
use tokio::sync::Mutex;

use crate::{PostgresConfig, db::PING_ALWAYS, server_state};

/// How long a caller waits for a connection.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for less is taken to work; others are pinged, which costs a round trip.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// How long a process may leave a transaction alone before Postgres ends it: one that is frozen must not hold its locks.
const IDLE_IN_TRANSACTION: Duration = Duration::from_mins(1);
/// How long one look at why there is no connection may take.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_millis(700);
/// For how long its result serves everybody who asks.
const DIAGNOSIS_KEPT: Duration = Duration::from_secs(2);

/// Why no connection could be had in time.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoConnection {
    /// The pool opens no more.
    #[error(
        "all {0} connections of this process are in use (BACKEND_POSTGRES_MAX_CONNECTIONS), while Postgres accepts more"
    )]
    PoolFull(u32),
    /// Postgres gives none.
    #[error("Postgres refuses or does not answer: {0}")]
    Refused(String),
}

/// Where the connections of a pool come from.
#[derive(Debug)]
pub(crate) struct Connections {
    /// Absent over a pool that somebody else made.
    source: Option<Source>,
    diagnosed: Mutex<Option<(Instant, NoConnection)>>,
}

#[derive(Debug)]
struct Source {
    url: RotatingSecret,
    name: &'static str,
    /// Settings of each connection of the pool.
    limits: Vec<(&'static str, String)>,
    /// Held while the URL is read again and given to the pool.
    renewing: parking_lot::Mutex<()>,
}

impl Connections {
    /// Over a pool that somebody else made.
    pub fn of_a_pool() -> Self {
        Self {
            source: None,
            diagnosed: Mutex::default(),
        }
    }

    /// With the settings of the process `name`.
    pub fn new(config: &PostgresConfig, name: &'static str) -> Self {
        Self {
            source: Some(Source {
                url: config.url.clone(),
                name,
                limits: limits(config),
                renewing: parking_lot::Mutex::new(()),
            }),
            diagnosed: Mutex::default(),
        }
    }

    /// Reads the URL again; whether connections are opened with another one from now on.
    pub fn renew(&self, pool: &PgPool) -> bool {
        let Some(source) = &self.source else {
            return false;
        };
        let _renewing = source.renewing.lock();
        if !source.url.reread() {
            return false;
        }
        match source.pooled() {
            Ok(options) => {
                pool.set_connect_options(options);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the new URL of Postgres is not right; the old one stays");
                false
            }
        }
    }

    /// Whether the URL can change at all.
    pub fn can_renew(&self) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|source| source.url.is_from_file())
    }

    /// Why the pool gives no connection: tries to open one beside it. Callers share one attempt and its result.
    pub async fn diagnose(&self, pool: &PgPool) -> NoConnection {
        let mut diagnosed = self.diagnosed.lock().await;
        if let Some((at, why)) = &*diagnosed
            && at.elapsed() < DIAGNOSIS_KEPT
        {
            return why.clone();
        }
        let options = pool.connect_options();
        let attempt = PgConnection::connect_with(&options);
        let why = match tokio::time::timeout(DIAGNOSIS_TIMEOUT, attempt).await {
            Ok(Ok(connection)) => {
                let _ = connection.close().await;
                NoConnection::PoolFull(pool.options().get_max_connections())
            }
            Ok(Err(sqlx::Error::Database(refusal))) => NoConnection::Refused(format!(
                "{} ({})",
                refusal.message(),
                refusal.code().unwrap_or_default()
            )),
            Ok(Err(error)) => NoConnection::Refused(error.to_string()),
            Err(_) => NoConnection::Refused(format!(
                "no answer within {} ms",
                DIAGNOSIS_TIMEOUT.as_millis()
            )),
        };
        tracing::warn!(%why, "no connection to Postgres can be had");
        *diagnosed = Some((Instant::now(), why.clone()));
        why
    }
}

impl Source {
    /// Without limits.
    fn plain(&self) -> anyhow::Result<PgConnectOptions> {
        plain(&self.url, self.name)
    }

    fn pooled(&self) -> anyhow::Result<PgConnectOptions> {
        let options = self.plain()?;
        // Poolers refuse parameters that they do not know, so none is sent if there are none.
        Ok(if self.limits.is_empty() {
            options
        } else {
            options.options(self.limits.iter().map(|(name, value)| (*name, value)))
        })
    }
}

/// Options of a connection without limits, for migrations.
pub(crate) fn plain(url: &RotatingSecret, name: &str) -> anyhow::Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url.current().expose_secret())
        .map_err(|_| anyhow::anyhow!("BACKEND_POSTGRES_URL is not a Postgres URL"))?;
    Ok(options.application_name(name))
}

/// Opens no connection yet.
pub(crate) fn pool(connections: &Connections, config: &PostgresConfig) -> anyhow::Result<PgPool> {
    let source = connections.source.as_ref();
    let options = source.map(Source::pooled).transpose()?.unwrap_or_default();
    Ok(PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(Duration::from_mins(30))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if server_state::is_suspect(meta.age) {
                    return Ok(false);
                }
                if meta.idle_for >= TRUSTED_IDLE || PING_ALWAYS.try_get().is_ok() {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

/// What each connection of the pool is opened with; nothing if no limit is set.
fn limits(config: &PostgresConfig) -> Vec<(&'static str, String)> {
    let mut limits = vec![];
    for (name, limit) in [
        ("statement_timeout", config.statement_timeout),
        ("lock_timeout", config.lock_timeout),
    ] {
        if !limit.is_zero() {
            limits.push((name, limit.as_millis().max(1).to_string()));
        }
    }
    if !limits.is_empty() {
        let idle = IDLE_IN_TRANSACTION.as_millis().to_string();
        limits.push(("idle_in_transaction_session_timeout", idle));
    }
    limits
}
