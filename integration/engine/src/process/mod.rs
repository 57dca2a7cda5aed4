//! The process around the service: settings, state, port, and its end.

mod config;
mod healthcheck;
mod port_file;

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use axum::Router;
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use crate::{engine::Engine, http, store::StateDir};
pub use config::{Config, Verb};

/// How long requests may take to finish after the signal to stop. Container engines kill what does not
/// end in time, so it is short.
const DRAIN: Duration = Duration::from_millis(700);

/// Does what the settings say; errors go to the log.
pub fn main(config: &Config) -> ExitCode {
    log(config);
    let done = match config.verb {
        None => block_on(async { run(config, stop_signal()?, |router| router).await }),
        Some(Verb::Healthcheck) => healthcheck::run(config),
    };
    exit_code(done)
}

/// Logs to standard error from now on.
pub fn log(config: &Config) {
    tracing_subscriber::fmt()
        .with_max_level(config.log)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}

/// Logs an error; the code says whether there was one.
pub fn exit_code(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Calls that still run at the end are cut off: nothing of them was acknowledged.
pub fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// Ends with SIGTERM or SIGINT. Made before anything else: process 1 of a container ignores signals for
/// which it has no handler.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Serves until `stop`, with `wrap` around the service.
pub async fn run(
    config: &Config,
    stop: impl Future<Output = ()> + Send + 'static,
    wrap: impl FnOnce(Router) -> Router,
) -> anyhow::Result<()> {
    if let Some(file) = &config.port_file {
        port_file::remove(file)?;
    }
    let engine = open(config)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    if let Some(file) = &config.port_file {
        port_file::write(file, address)?;
    }
    tracing::info!(%address, state_dir = %config.state_dir.display(), "engine ready");
    let service = wrap(http::router(Arc::new(engine), config.settings()));
    serve(listener, service, stop).await
}

/// The game of the state directory, which must be the one that the engine is for.
fn open(config: &Config) -> anyhow::Result<Engine> {
    let engine = Engine::open(StateDir::open(&config.state_dir)?, config.max_turns)?;
    match (config.game_id, engine.game_id()) {
        (Some(wanted), Some(found)) if wanted != found => bail!(
            "the state directory {} holds game {found}, but this engine is for game {wanted}: \
             mount the state of that game, or change --game-id",
            config.state_dir.display()
        ),
        _ => Ok(engine),
    }
}

async fn serve(
    listener: TcpListener,
    service: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (begin_drain, drain) = tokio::sync::watch::channel(());
    let mut draining = drain.clone();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { drop(draining.changed().await) });
    let deadline = async move {
        stop.await;
        tracing::info!("stopping");
        begin_drain.send_replace(());
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => ended.context("serving failed"),
        () = deadline => {
            tracing::warn!("requests still open after {DRAIN:?} are cut off");
            Ok(())
        }
    }
}
