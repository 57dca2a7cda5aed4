//! Speed, measured on a stack of its own and printed as ratios within one run: machines differ and swing, ratios less.
//!
//! `cargo run --release -p galaxy-bench -- events`. To add a measure: a module with a `run`, and its line in [`Measure`].

mod compare;
mod database;
mod events;
mod figures;
mod goal;
mod identity;
mod load;
mod replica;
mod runtime;
mod server;
mod threads;
mod users;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures the platform, in interleaved rounds, as ratios")]
struct Arguments {
    #[command(subcommand)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Measure {
    /// From a commit's acknowledgement to the event at the gateway's client, against bare JetStream.
    Events(events::Options),
    /// Session lookups, sign-ins, revocation and operators' passwords, against what they cannot do without.
    Identity(identity::Options),
    /// Starts of games, the way through `api` to their engines, reconciliation and probes of many engines.
    Runtime(runtime::Options),
    /// Operators' search and listing of accounts at a million accounts, against a thousand.
    Users(users::Options),
}

fn main() -> Result<()> {
    let (served, client) = (threads::served()?, threads::client()?);
    let measure = async {
        match Arguments::parse().measure {
            Measure::Events(options) => events::run(&options).await,
            Measure::Identity(options) => identity::run(&options, served.handle()).await,
            Measure::Runtime(options) => runtime::run(&options, served.handle()).await,
            Measure::Users(options) => users::run(&options, served.handle()).await,
        }
    };
    client.block_on(measure)
}
