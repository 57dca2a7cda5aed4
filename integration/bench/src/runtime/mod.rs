//! Engines: how soon a game runs, what the way through `api` adds to a call of an engine, a hundred games at once, and what
//! reconciliation and probes of ten thousand engines cost.
//!
//! The runtime manager and the `api` run in this process, on threads of their own, over databases of their own.
//! - `starts`: from the request to the record that says `running`, one game after the other, image there.
//! - `proxy`: commands, orders and reports of a player, in turn through `api` and to the engine itself.
//! - `storm`: games that are started at once; every 25 ms the queue is read: who holds a slot and who waits for one.
//! - `reconcile`, `probes`: the manager's own code over a driver that only lists engines; one server answers for all of them.

mod api_proxy;
mod backends;
mod crowd;
mod games;
mod host;
mod listing;
mod polls;
mod probes;
mod reconcile;
mod starts;
mod storm;

use anyhow::Result;
use galaxy_stack::Driver;
use tokio::runtime::Handle;

use self::{crowd::Crowd, host::Host};

#[derive(clap::Args)]
pub struct Options {
    /// A Postgres server on this machine; databases `bench_runtime_<n>` are made on it and dropped in the end.
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
    /// How engines run in `starts`: docker, process.
    #[arg(long, value_delimiter = ',', default_value = "docker,process")]
    drivers: Vec<Driver>,
    /// Games that are started one after the other.
    #[arg(long, default_value_t = 30)]
    games: usize,
    /// Games that are started at once.
    #[arg(long, default_value_t = 100)]
    at_once: usize,
    /// Engines of the node that is reconciled and probed.
    #[arg(long, default_value_t = 10_000)]
    engines: usize,
    /// Rounds of calls, of reconciliation and of probes; the first, which warms up, is not counted.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Calls of each kind a round, each way.
    #[arg(long, default_value_t = 200)]
    calls: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Starts,
    Proxy,
    Storm,
    Reconcile,
    Probes,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

pub async fn run(options: &Options, served: &Handle) -> Result<()> {
    for driver in [Driver::Process, Driver::Docker] {
        on_a_host(options, served, driver).await?;
    }
    if options.wants(Part::Reconcile) || options.wants(Part::Probes) {
        let crowd = Crowd::make(options, served).await?;
        if options.wants(Part::Reconcile) {
            reconcile::run(options, served, &crowd).await?;
        }
        if options.wants(Part::Probes) {
            probes::run(options, served, &crowd).await?;
        }
        crowd.remove().await?;
    }
    Ok(())
}

/// What real engines are needed for.
async fn on_a_host(options: &Options, served: &Handle, driver: Driver) -> Result<()> {
    let starts = options.wants(Part::Starts) && options.drivers.contains(&driver);
    let proxy = options.wants(Part::Proxy) && driver == Driver::Process;
    let storm = options.wants(Part::Storm) && driver == Driver::Docker;
    if !(starts || proxy || storm) {
        return Ok(());
    }
    let host = Host::start(options, served, driver).await?;
    let measured = async {
        if starts {
            starts::run(&host, options.games).await?;
        }
        if proxy {
            api_proxy::run(&host, served, options).await?;
        }
        if storm {
            storm::run(&host, options.at_once).await?;
        }
        Ok(())
    };
    let measured = measured.await;
    host.stop().await.and(measured)
}
