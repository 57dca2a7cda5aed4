//! Turns, each generated once, and reports that stay as they are.

use serde_json::json;

use super::{Game, RACES, player::reports};
use crate::{
    Check, Report,
    call::Call,
    engine::{Engine, TURN},
    status::{Stage, Status},
};

pub(super) async fn all(engine: &Engine, game: &Game, report: &mut Report) {
    report.note(
        "turn 2 of a game at turn 0 is refused",
        ahead(engine, game).await,
    );
    report.note(
        "a turn that is there is not generated again",
        there(engine, game).await,
    );
    let first = report.note("turn 1 is generated", generated(engine, game, 1).await);
    if let Some(first) = &first {
        report.note(
            "turn 1 again changes nothing",
            again(engine, first, 1).await,
        );
        report.note(
            "turn 0 again changes nothing",
            again(engine, first, 0).await,
        );
    }
    let kept = reports(engine, game, 0).await;
    let second = report.note("turn 2 is generated", generated(engine, game, 2).await);
    if second.is_some() {
        let new = reports(engine, game, 2).await.map(drop);
        report.note("every player has a report of turn 2", new);
    }
    let same = match kept {
        Ok(kept) => match reports(engine, game, 0).await {
            Ok(now) if now == kept => Ok(()),
            Ok(_) => Err("the report of turn 0 changed with turn 2; a past turn must stay as it was left, byte for byte".to_owned()),
            Err(why) => Err(why),
        },
        Err(why) => Err(why),
    };
    report.note("a past report does not change", same);
}

async fn ahead(engine: &Engine, game: &Game) -> Check {
    let answer = engine
        .send(Call::put(TURN, &json!({"expected_turn": 2})))
        .await?;
    answer.refused(409, &["turn_ahead"])?;
    unchanged(engine, &game.status).await
}

/// The game is at turn 0, and turn 0 is asked for.
async fn there(engine: &Engine, game: &Game) -> Check {
    again(engine, &game.status, 0).await
}

/// The status after a turn, which must be exactly the one that was asked for.
pub(super) async fn generated(engine: &Engine, game: &Game, expected: u32) -> Check<Status> {
    let status = engine.turn(expected).await?;
    status.is_of(engine.game_id, &RACES)?;
    status.keeps_roster_of(&game.status)?;
    if status.turn != expected && status.stage != Stage::Finished {
        return Err(format!(
            "turn {expected} was asked for and the status says turn {}; the platform takes no other turn than the one it asked for",
            status.turn
        ));
    }
    if status.stage == Stage::Created {
        return Err("the stage is created after a turn; it must be running or finished".to_owned());
    }
    unchanged(engine, &status).await?;
    Ok(status)
}

async fn again(engine: &Engine, status: &Status, expected: u32) -> Check {
    for _ in 0..2 {
        let answered = engine.turn(expected).await?;
        if answered != *status {
            return Err(format!(
                "turn {expected} was asked for again, and the status changed; answer 200 with the status as it is"
            ));
        }
    }
    unchanged(engine, status).await
}

async fn unchanged(engine: &Engine, status: &Status) -> Check {
    if engine.status().await? == *status {
        Ok(())
    } else {
        Err("the status is another one than the last answer said".to_owned())
    }
}
