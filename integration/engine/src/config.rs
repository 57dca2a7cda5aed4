//! Flags and environment.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

/// The reference engine of the Galaxy back end: one process plays one game.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Config {
    /// Address to serve the engine contract on; port 0 takes a free one.
    #[arg(long, env = "ENGINE_LISTEN_ADDR", default_value = "0.0.0.0:8080")]
    pub(crate) listen: SocketAddr,

    /// Directory of the game's state; a restarted engine goes on from it.
    #[arg(long, env = "ENGINE_STATE_DIR", default_value = "/var/lib/galaxy")]
    pub(crate) state_dir: PathBuf,

    /// File to write the bound address to, once the engine answers there. A parent that starts the
    /// engine again removes the file first.
    #[arg(long, env = "ENGINE_PORT_FILE")]
    pub(crate) port_file: Option<PathBuf>,

    /// A new game ends with this turn at the latest.
    #[arg(
        long,
        env = "ENGINE_MAX_TURNS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub(crate) max_turns: u32,

    /// What to log, to standard error: off, error, warn, info, debug, trace.
    #[arg(long, env = "ENGINE_LOG", default_value = "info")]
    pub(crate) log: tracing::level_filters::LevelFilter,
}
