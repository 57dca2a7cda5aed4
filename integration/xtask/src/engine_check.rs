//! `cargo xtask engine-check`: whether an engine keeps the contract, a line a check.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use galaxy_engine_check::{Options, Outcome};
use galaxy_stack::Ui;
use serde_json::{Map, Value};
use uuid::Uuid;

#[derive(clap::Args)]
pub struct Args {
    /// Where a fresh engine answers, such as `http://127.0.0.1:8080`. The checks set a game up in it.
    url: String,
    /// The value of its `ENGINE_TOKEN`.
    #[arg(long, env = "ENGINE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The value of its `ENGINE_GAME_ID`.
    #[arg(long)]
    game_id: Option<Uuid>,
    /// Where a second fresh engine with the same settings answers, to see whether both play the same game.
    #[arg(long)]
    twin: Option<String>,
    /// A JSON file with the options of the game, an object such as `{"planets_per_race": 7}`, for an engine that has some.
    #[arg(long, value_name = "FILE")]
    options: Option<PathBuf>,
    /// Seconds that a turn may take which was answered with 202.
    #[arg(long, default_value_t = 300)]
    long_turn: u64,
}

/// Fails if a check does.
pub async fn run(args: &Args, ui: Ui) -> Result<ExitCode> {
    let mut options = Options::new(&args.url);
    if let Some(file) = &args.options {
        options.options = read(file)?;
    }
    options.token.clone_from(&args.token);
    options.game_id = args.game_id.unwrap_or(options.game_id);
    options.twin.clone_from(&args.twin);
    options.long_turn = Duration::from_secs(args.long_turn);
    let report = galaxy_engine_check::run(&options).await;
    for finding in report.findings() {
        ui.result(finding);
    }
    let (failed, all) = (report.failed().count(), report.findings().len());
    let skipped = report.findings().iter();
    let skipped = skipped.filter(|finding| matches!(finding.outcome, Outcome::Skipped(_)));
    let skipped = skipped.count();
    ui.plain(format_args!(
        "{} ok, {failed} failed, {skipped} skipped",
        all - failed - skipped
    ));
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read(file: &Path) -> Result<Map<String, Value>> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("--options: cannot read {}", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("--options: {} is not a JSON object", file.display()))
}
