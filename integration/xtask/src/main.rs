//! The commands of this repository: `cargo xtask up` runs the platform on this machine,
//! `cargo xtask test` runs everything that CI runs; the rest updates generated files.

mod alerts;
mod cargo;
mod compose_check;
mod configuration;
mod demo;
mod documents;
mod down;
mod engine_check;
mod images;
mod k8s_check;
mod lock;
mod query_cache;
mod static_engine;
mod table;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use galaxy_stack::{Layout, Ui};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about, version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole platform on this machine; Ctrl-C stops it, the next `up` finds its data again.
    Up(up::Args),
    /// The background process of `up --detach`.
    #[command(hide = true)]
    Supervise(up::Supervised),
    /// Stop the platform that runs in the background or in another terminal.
    Down(down::Args),
    /// Play a whole game through the gateway of the running platform.
    Demo(demo::Args),
    /// Build the images of all processes, of the reference engine and of the inbox.
    Images(images::Args),
    /// Play on Compose while replicas come, are killed and restarted; leaves nothing behind.
    ComposeCheck(compose_check::Args),
    /// Tell an engine author whether an engine keeps the engine contract.
    EngineCheck(engine_check::Args),
    /// Check what would be applied to a Kubernetes cluster.
    K8sCheck,
    /// Check everything that CI checks: format, dependencies, lints, tests, generated files.
    Test(test::Args),
    /// Generate the documents of the REST interface and the events from the api.
    Openapi,
    /// Generate the reference of all settings, and the list of their names, from what each process prints for --help.
    Configuration,
    /// Generate the alert rules for Kubernetes from those of Prometheus.
    Alerts,
    /// Generate .sqlx, from which the queries are checked where there is no database.
    Prepare,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new();
    match run(cli.command, ui).await {
        Ok(code) => code,
        Err(error) => {
            ui.plain(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, ui: Ui) -> Result<ExitCode> {
    let layout = Layout::of_checkout()?;
    match command {
        Command::Up(args) => up::run(&args, &layout, ui).await?,
        Command::Supervise(args) => up::supervise(&args, &layout, ui).await?,
        Command::Down(args) => down::run(&args, &layout, ui).await?,
        Command::Demo(args) => Box::pin(demo::command(&args, &layout, ui)).await?,
        Command::Images(args) => return images::run(&args, &layout, ui).await,
        Command::ComposeCheck(args) => return compose_check::run(&args, &layout, ui).await,
        Command::EngineCheck(args) => return engine_check::run(&args, ui).await,
        Command::K8sCheck => k8s_check::command(&layout, ui).await?,
        Command::Test(args) => return test::run(&args, &layout, ui).await,
        Command::Openapi => documents::generate(&layout, ui).await?,
        Command::Configuration => configuration::generate(&layout, ui).await?,
        Command::Alerts => alerts::generate(&layout, ui)?,
        Command::Prepare => query_cache::generate(&layout, ui).await?,
    }
    Ok(ExitCode::SUCCESS)
}
