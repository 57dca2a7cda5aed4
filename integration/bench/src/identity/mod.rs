//! Identity: session lookups against an empty handler and against one query a request, sign-ins against bare commits, how
//! soon a revocation is seen by another replica, and what an operator's password costs.
//!
//! The `api`'s own router is served in this process, beside the handlers it is compared with, through the same layers and
//! to the same client, so that a ratio says what our code adds.

mod compare;
mod revocation;
mod seed;
mod server;
mod sign_in;

use anyhow::{Context, Result};
use axum::http::Request;
use bytes::Bytes;
use galaxy_api::{App, Config, loops};
use galaxy_events::{Nats, NatsConfig};
use galaxy_service::{Process, Readiness, Section, Tasks, Vars};
use galaxy_store::{Db, MigrateMode, PostgresConfig};
use http_body_util::Full;

use self::{compare::Comparison, server::Server};

#[derive(clap::Args)]
pub struct Options {
    /// A database for this alone, as durable as the one to compare with.
    #[arg(long, env = "GALAXY_BENCH_POSTGRES_URL", hide_env_values = true)]
    postgres_url: String,
    /// A NATS server with JetStream.
    #[arg(
        long,
        env = "GALAXY_BENCH_NATS_URL",
        default_value = "nats://127.0.0.1:4222"
    )]
    nats_url: String,
    /// Rounds of each, one after the other.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests a round; sign-ins a tenth of it.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Requests under way at once.
    #[arg(long, default_value_t = 32)]
    clients: usize,
}

/// The user and password of the operator that the bench is.
const ADMIN: (&str, &str) = ("bench", "the password of the bench");

type Call = Request<Full<Bytes>>;

pub async fn run(options: &Options) -> Result<()> {
    let cached = replica(options, true).await?;
    let bypassing = replica(options, false).await?;
    let other = replica(options, true).await?;
    seed::wait_until_healthy(&[&cached, &other]).await?;
    let ids = seed::sessions(&cached.db, options.requests).await?;
    let hot: Vec<_> = ids.iter().copied().take(1_000).collect();
    let (with_cache, without) = (Server::of(&cached).await?, Server::of(&bypassing).await?);

    let compare = |name, goal| Comparison::new(name, goal, options);
    let lookup = |ids: &[uuid::Uuid], n: usize| {
        get(&format!("/api/v1/internal/sessions/{}", ids[n % ids.len()]))
    };
    compare("cached session lookup / empty handler", ">= 0.65")
        .rates(
            &with_cache,
            |n| lookup(&hot, n),
            &with_cache,
            |_| get("/bench/empty"),
        )
        .await?;
    compare(
        "session lookup past the cache / one query a request",
        ">= 2",
    )
    .rates(
        &without,
        |n| lookup(&ids, n),
        &without,
        |n| get(&format!("/bench/query/{}", ids[n % ids.len()])),
    )
    .await?;
    compare(
        "admin request, remembered / the same without credentials (time)",
        "<= 1.5",
    )
    .times(
        &with_cache,
        |_| admin_get("/api/v1/admin/admin-accounts"),
        &with_cache,
        |_| get("/bench/admins"),
    )
    .await?;
    sign_in::run(options, &bypassing, &without).await?;
    revocation::run(&cached, &other).await?;
    cached
        .process
        .tasks
        .shut_down(std::time::Duration::from_secs(5))
        .await;
    Ok(())
}

/// An `api` of its own over the database; with its invalidation channel or without.
async fn replica(options: &Options, channel: bool) -> Result<App> {
    let process = Process {
        name: "bench",
        clock: galaxy_core::Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    };
    let postgres = PostgresConfig {
        url: options.postgres_url.clone().into(),
        max_connections: 16,
        migrate: MigrateMode::Apply,
    };
    let db = Db::connect(&postgres, &process).await?;
    let mut nats = None;
    if channel {
        let url = options.nats_url.clone();
        let mut vars =
            Vars::from_lookup(move |name| (name == "BACKEND_NATS_URL").then(|| url.clone()));
        let config = NatsConfig::read(&mut vars).context("BACKEND_NATS_URL is not right")?;
        nats = Some(Nats::connect(&config, &process).await?);
    }
    let app = App::new(config()?, process, db, nats.clone())?;
    app.bootstrap().await?;
    if let Some(nats) = nats {
        loops::start(&app, &nats);
    }
    Ok(app)
}

fn config() -> Result<Config> {
    let mut vars = Vars::from_lookup(|name| {
        let value = match name {
            "BACKEND_POSTGRES_URL" => "postgres://given-otherwise",
            "BACKEND_AUTH_PEPPER" => "a pepper for the bench only",
            "BACKEND_TRUSTED_PROXIES" => "127.0.0.0/8",
            "BACKEND_ADMIN_BOOTSTRAP_USER" => ADMIN.0,
            "BACKEND_ADMIN_BOOTSTRAP_PASSWORD" => ADMIN.1,
            _ => return None,
        };
        Some(value.to_owned())
    });
    Config::read(&mut vars).context("the bench's own settings are not right")
}

fn get(path: &str) -> Call {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}

fn admin_get(path: &str) -> Call {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut request = get(path);
    let credentials = STANDARD.encode(format!("{}:{}", ADMIN.0, ADMIN.1));
    if let Ok(value) = format!("Basic {credentials}").parse() {
        request.headers_mut().insert("authorization", value);
    }
    request
}

fn post(path: &str, body: &serde_json::Value, from: &str) -> Call {
    let mut request = get(path);
    *request.method_mut() = axum::http::Method::POST;
    request.headers_mut().insert(
        "content-type",
        axum::http::HeaderValue::from_static("application/json"),
    );
    if let Ok(from) = from.parse() {
        request.headers_mut().insert("x-forwarded-for", from);
    }
    *request.body_mut() = Full::new(Bytes::from(body.to_string()));
    request
}
