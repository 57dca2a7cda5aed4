//! `api`s over a database, made on the served side.

use std::{str::FromStr, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use galaxy_api::{
    Config,
    compose::{self, Domains},
    invalidation::Invalidation,
    keys::Keys,
    loops, routes,
};
use galaxy_core::Clock;
use galaxy_events::{Nats, NatsConfig};
use galaxy_service::{Process, Readiness, Section, Tasks, Vars};
use galaxy_store::{Db, MigrateMode, PostgresConfig};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::runtime::Handle;

use crate::threads;

/// The user and password of the operator that the bench is.
pub const ADMIN: (&str, &str) = ("bench", "the password of the bench");

const CONNECTIONS: u32 = 16;

/// An `api`, with what the bench reads besides its answers.
pub struct Replica {
    pub db: Db,
    pub keys: Keys,
    pub invalidation: Invalidation,
    pub router: Router,
}

/// An `api` of its own over the database at `postgres_url`, which it migrates; with an invalidation channel if there is a
/// broker.
pub async fn replica(
    served: &Handle,
    postgres_url: &str,
    nats_url: Option<&str>,
) -> Result<Replica> {
    let (postgres_url, nats_url) = (postgres_url.to_owned(), nats_url.map(str::to_owned));
    threads::on(served, async move {
        let process = Process {
            name: "bench",
            clock: Clock::system(),
            tasks: Tasks::new(),
            readiness: Readiness::default(),
        };
        let postgres = PostgresConfig {
            migrate: MigrateMode::Apply,
            // It also makes millions of rows at once.
            statement_timeout: Duration::ZERO,
            ..PostgresConfig::new(postgres_url, CONNECTIONS)
        };
        let db = Db::connect(&postgres, &process).await?;
        let nats = match nats_url {
            Some(url) => Some(Nats::connect(&broker(url)?, &process).await?),
            None => None,
        };
        let config = config()?;
        compose::bootstrap(&config, &db, &process.clock).await?;
        let domains = Domains::new(&config, &process, &db, nats.as_ref())?;
        if let Some(nats) = nats {
            loops::start(&config, &process, &db, &nats, &domains);
        }
        Ok(Replica {
            router: routes::router(&config, &process, &domains),
            keys: Keys::new(&config.pepper)?,
            invalidation: domains.invalidation,
            db,
        })
    })
    .await
}

/// A pool with sqlx's own settings, as large as an `api`'s: what others would have.
pub async fn plain_pool(served: &Handle, postgres_url: &str) -> Result<Db> {
    let options = PgConnectOptions::from_str(postgres_url)?;
    threads::on(served, async move {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
        Ok(Db::new(pool.connect_with(options).await?))
    })
    .await
}

fn broker(url: String) -> Result<NatsConfig> {
    let mut vars = Vars::from_lookup(move |name| (name == "BACKEND_NATS_URL").then(|| url.clone()));
    NatsConfig::read_as_owner(&mut vars).context("BACKEND_NATS_URL is not right")
}

fn config() -> Result<Config> {
    let mut vars = Vars::from_lookup(|name| {
        let value = match name {
            "BACKEND_POSTGRES_URL" => "postgres://given-otherwise",
            "BACKEND_AUTH_PEPPER" => "a pepper for the bench only",
            "BACKEND_TRUSTED_PROXIES" => "127.0.0.0/8",
            "BACKEND_INSECURE" => "1",
            "BACKEND_ADMIN_BOOTSTRAP_USER" => ADMIN.0,
            "BACKEND_ADMIN_BOOTSTRAP_PASSWORD" => ADMIN.1,
            _ => return None,
        };
        Some(value.to_owned())
    });
    Config::read(&mut vars).with_context(|| {
        format!(
            "the bench's own settings are not right: {:?}",
            vars.problems()
        )
    })
}
