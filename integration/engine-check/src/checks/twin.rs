//! The same seed, roster and orders give the same game.

use super::{Game, init_body, player::reports};
use crate::{Check, Options, Outcome, Report, engine::Engine, status::Status};

const CHECK: &str = "the same seed and roster give the same game";

pub(super) async fn all(engine: &Engine, options: &Options, report: &mut Report) {
    match &options.twin {
        Some(url) => {
            let twin = Engine::new(url, options);
            report.note(CHECK, same(engine, &twin).await);
        }
        None => report.add(
            CHECK,
            Outcome::Skipped(
                "start a second engine with the same settings on another state directory and give it with --twin"
                    .to_owned(),
            ),
        ),
    }
}

/// Plays the game of the checks so far on the other engine.
async fn same(engine: &Engine, twin: &Engine) -> Check {
    let status = Status::read(&twin.init(&init_body(twin)).await?, 200)?;
    for turn in 1..=2 {
        twin.turn(turn).await?;
    }
    let game = Game { status };
    if engine.status().await? != twin.status().await? {
        return Err("the two engines have another status after the same turns".to_owned());
    }
    for turn in 0..=2 {
        let bodies = |reports: Vec<crate::call::Answer>| -> Vec<_> {
            reports.into_iter().map(|report| report.body).collect()
        };
        if bodies(reports(engine, &game, turn).await?) != bodies(reports(twin, &game, turn).await?)
        {
            return Err(format!(
                "the reports of turn {turn} differ between the two engines; take randomness from the seed alone, and no clock"
            ));
        }
    }
    Ok(())
}
