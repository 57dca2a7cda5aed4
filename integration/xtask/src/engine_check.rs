//! `cargo xtask engine-check`: whether an engine keeps the contract, a line a check.

use std::{process::ExitCode, time::Duration};

use galaxy_engine_check::{Options, Outcome};
use galaxy_stack::Ui;
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
    /// Seconds that a turn may take which was answered with 202.
    #[arg(long, default_value_t = 300)]
    long_turn: u64,
}

/// Fails if a check does.
pub async fn run(args: &Args, ui: Ui) -> ExitCode {
    let mut options = Options::new(&args.url);
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
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
