//! The `engine` binary: config, log, state, port, serve until a signal.

mod config;

use std::{fs, io, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use clap::Parser;
use galaxy_engine::{
    engine::Engine,
    http,
    store::{StateDir, write_atomically},
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use config::Config;

/// How long requests may take to finish after the signal to stop.
const DRAIN: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    tracing_subscriber::fmt()
        .with_max_level(config.log)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    if let Some(file) = &config.port_file {
        remove_port_file(file)?;
    }
    let signals = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let engine = Engine::open(StateDir::open(&config.state_dir)?, config.max_turns)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    if let Some(file) = &config.port_file {
        write_port_file(file, address)?;
    }
    tracing::info!(%address, state_dir = %config.state_dir.display(), "engine ready");
    serve(listener, engine, signals).await
}

async fn serve(
    listener: TcpListener,
    engine: Engine,
    signals: (Signal, Signal),
) -> anyhow::Result<()> {
    let (stop, stopped) = tokio::sync::watch::channel(());
    let mut draining = stopped.clone();
    let server = axum::serve(listener, http::router(Arc::new(engine)))
        .with_graceful_shutdown(async move { drop(draining.changed().await) });
    let deadline = async move {
        wait_for_signal(signals).await;
        tracing::info!("stopping");
        stop.send_replace(());
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

async fn wait_for_signal((mut terminate, mut interrupt): (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The address of an earlier run must not be taken for ours.
fn remove_port_file(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot write --port-file {}", file.display()))
        }
        _ => Ok(()),
    }
}

fn write_port_file(file: &Path, address: SocketAddr) -> anyhow::Result<()> {
    write_atomically(file, |out| writeln!(out, "{address}"))
        .with_context(|| format!("cannot write --port-file {}", file.display()))
}
