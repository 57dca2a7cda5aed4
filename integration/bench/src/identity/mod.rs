//! Identity: session lookups against an empty handler and against one query a request, sign-ins against bare commits, how
//! soon a revocation is seen by another replica, and what an operator's password costs.
//!
//! The `api`'s own router is served in this process, beside the handlers it is compared with, to the same client.

mod compared;
mod revocation;
mod seed;
mod sign_in;

use anyhow::Result;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{
    compare::{self, Measure, Rounds, Side},
    load::Load,
    replica::{ADMIN, plain_pool, replica},
    server::{Call, Server, get, get_as},
};

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
    /// Parts to measure; all if absent.
    #[arg(long, value_delimiter = ',')]
    parts: Vec<Part>,
    #[command(flatten)]
    load: Load,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Cached,
    Uncached,
    Operator,
    Codes,
    Revocation,
}

pub async fn run(options: &Options, served: &Handle) -> Result<()> {
    let (url, nats) = (&options.postgres_url, Some(options.nats_url.as_str()));
    let cached = replica(served, url, nats).await?;
    let bypassing = replica(served, url, None).await?;
    let other = replica(served, url, nats).await?;
    let plain = plain_pool(served, url).await?;
    seed::wait_until_healthy(&[&cached, &other]).await?;
    let bench = Bench {
        ids: seed::sessions(&cached.db, options.load.requests).await?,
        cached: Server::of(served, cached.router.clone()).await?,
        bypassing: Server::of(served, bypassing.router.clone()).await?,
        layered: Server::of(served, compared::layered(&cached.db, &plain)).await?,
        bare: Server::of(served, compared::bare(&plain)).await?,
        load: &options.load,
    };
    let wanted = |part| options.parts.is_empty() || options.parts.contains(&part);
    if wanted(Part::Cached) {
        bench.cached_lookups().await?;
    }
    if wanted(Part::Uncached) {
        bench.uncached_lookups().await?;
    }
    if wanted(Part::Operator) {
        bench.operators().await?;
    }
    if wanted(Part::Codes) {
        let load = options.load.divided_by(4);
        sign_in::run(&load, &cached, &bench.cached, &bench.bare).await?;
    }
    if wanted(Part::Revocation) {
        let there = Server::of(served, other.router.clone()).await?;
        revocation::run(&cached.db, &bench.cached, &there).await?;
    }
    Ok(())
}

/// What is served, and the sessions there are.
struct Bench<'a> {
    ids: Vec<Uuid>,
    cached: Server,
    bypassing: Server,
    layered: Server,
    bare: Server,
    load: &'a Load,
}

impl Bench<'_> {
    async fn rounds(
        &self,
        server: &Server,
        call: &dyn Fn(usize) -> Call,
        their_server: &Server,
        their_call: &dyn Fn(usize) -> Call,
    ) -> Result<Rounds> {
        let ours = Side { server, call };
        let theirs = Side {
            server: their_server,
            call: their_call,
        };
        compare::rounds(self.load, ours, theirs).await
    }

    async fn cached_lookups(&self) -> Result<()> {
        let hot = |n: usize| lookup(self.ids[n % self.ids.len().min(1_000)]);
        let empty = |_: usize| get("/bench/empty");
        for (name, theirs) in [
            ("empty handler, same layers", &self.layered),
            ("empty handler, bare axum", &self.bare),
        ] {
            let rounds = self.rounds(&self.cached, &hot, theirs, &empty).await?;
            let name = format!("cached session lookup / {name}");
            Measure::Rate.print(&name, ">= 0.65", self.load, &rounds)?;
            Measure::Processor.print(
                &format!("{name}, processor"),
                "<= 1.6",
                self.load,
                &rounds,
            )?;
        }
        Ok(())
    }

    async fn uncached_lookups(&self) -> Result<()> {
        let any = |n: usize| lookup(self.ids[n % self.ids.len()]);
        let query = |n: usize| get(&format!("/bench/query/{}", self.ids[n % self.ids.len()]));
        let rounds = self.rounds(&self.bypassing, &any, &self.layered, &query);
        let name = "session lookup past the cache / one query a request";
        Measure::Rate.print(name, ">= 2", self.load, &rounds.await?)
    }

    async fn operators(&self) -> Result<()> {
        let asked = |_: usize| get_as("/api/v1/admin/admin-accounts", ADMIN);
        let open = |_: usize| get("/bench/admins");
        let rounds = self.rounds(&self.cached, &asked, &self.layered, &open);
        let name = "operator's request, remembered / without credentials";
        Measure::Time.print(name, "<= 1.5", self.load, &rounds.await?)
    }
}

fn lookup(id: Uuid) -> Call {
    get(&format!("/api/v1/internal/sessions/{id}"))
}
