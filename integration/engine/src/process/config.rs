//! Flags and environment.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, builder::NonEmptyStringValueParser};
use uuid::Uuid;

use crate::http::Settings;

/// The reference engine of the Galaxy back end: one process plays one game.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Config {
    /// What to do instead of serving a game.
    #[command(subcommand)]
    pub verb: Option<Verb>,

    /// Address to serve the engine contract on; port 0 takes a free one.
    #[arg(long, env = "ENGINE_LISTEN_ADDR", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Directory of the game's state; a restarted engine goes on from it.
    #[arg(long, env = "ENGINE_STATE_DIR", default_value = "/var/lib/galaxy")]
    pub state_dir: PathBuf,

    /// File to write the bound address to, once the engine answers there. A parent that starts the
    /// engine again removes the file first.
    #[arg(long, env = "ENGINE_PORT_FILE")]
    pub port_file: Option<PathBuf>,

    /// Token that every call but /healthz must carry; without one every caller is trusted. Prefer
    /// the variable: other users of the machine can read flags.
    #[arg(
        long,
        env = "ENGINE_TOKEN",
        hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub token: Option<String>,

    /// The game that this engine is for; without it the first init decides.
    #[arg(long, env = "ENGINE_GAME_ID")]
    pub game_id: Option<Uuid>,

    /// Shown in the status.
    #[arg(long, env = "ENGINE_EPOCH")]
    pub epoch: Option<u64>,

    /// A new game ends with this turn at the latest.
    #[arg(
        long,
        env = "ENGINE_MAX_TURNS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub max_turns: u32,

    /// For tests: answer a turn with 202 and generate it after this time, such as 3s or 200ms.
    #[arg(long, env = "ENGINE_TURN_DELAY", value_parser = duration)]
    pub turn_delay: Option<Duration>,

    /// What to log, to standard error: off, error, warn, info, debug, trace.
    #[arg(long, env = "ENGINE_LOG", default_value = "info")]
    pub log: tracing::level_filters::LevelFilter,
}

/// What the program does beside serving a game.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Verb {
    /// Ask the engine with the same settings whether it answers; the exit code is 0 if it does.
    Healthcheck,
}

impl Config {
    /// What the contract's routes need to know.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            token: self.token.clone(),
            game_id: self.game_id,
            epoch: self.epoch,
            turn_delay: self.turn_delay,
        }
    }
}

/// A number of seconds or milliseconds with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, Duration::from_millis(1)),
        None => (text.strip_suffix('s').unwrap_or(""), Duration::from_secs(1)),
    };
    number
        .parse()
        .ok()
        .and_then(|number| unit.checked_mul(number))
        .ok_or_else(|| "is not a time such as 3s or 200ms".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        for wrong in ["", "3", "s", "ms", "-1s", "1.5s", "99999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
