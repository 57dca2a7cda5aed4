//! A race that is taken out, at the end of the checks.

use serde_json::json;

use super::{Game, RACES, turns::generated};
use crate::{
    Check, Report,
    call::Call,
    engine::{BANISH, COMMAND, Engine, ORDER},
    status::Stage,
};

pub(super) async fn all(engine: &Engine, game: &Game, report: &mut Report) {
    report.note("an unknown race cannot be banished", unknown(engine).await);
    let out = report.note(
        "a race is banished, and again",
        banished(engine, game).await,
    );
    if out.is_none() {
        return;
    }
    report.note(
        "a banished race gives no orders",
        silent(engine, game).await,
    );
    report.note(
        "a banished race keeps its reports",
        remembered(engine, game).await,
    );
    let after = generated(engine, game, 3).await.map(drop);
    report.note("the game goes on without the race", after);
}

async fn unknown(engine: &Engine) -> Check {
    let answer = engine
        .send(Call::post(BANISH, &json!({"race_name": "Nobody at all"})))
        .await?;
    answer.refused(404, &["unknown_race"])
}

async fn banished(engine: &Engine, game: &Game) -> Check {
    let race = RACES[2];
    for _ in 0..2 {
        let answer = engine
            .send(Call::post(BANISH, &json!({"race_name": race})))
            .await?;
        answer.expect_status(204)?;
    }
    let status = engine.status().await?;
    status.is_of(engine.game_id, &RACES)?;
    status.keeps_roster_of(&game.status)?;
    if status.players[2].active {
        return Err(format!(
            "{race} is active after it was banished; the platform banishes it again and again"
        ));
    }
    Ok(())
}

async fn silent(engine: &Engine, game: &Game) -> Check {
    // Engines may end the game at once; then nobody gives orders any more.
    let codes: &[&str] = match engine.status().await?.stage {
        Stage::Finished => &["race_inactive", "game_finished"],
        _ => &["race_inactive"],
    };
    let player = game.status.players[2].id;
    for (path, list) in [(COMMAND, "commands"), (ORDER, "orders")] {
        let answer = engine
            .send(Call::put(path, &json!({"player_id": player, list: []})))
            .await?;
        answer.refused(409, codes)?;
    }
    Ok(())
}

async fn remembered(engine: &Engine, game: &Game) -> Check {
    let answer = engine.report(game.status.players[2].id, 0).await?;
    answer.expect(200).map(drop)
}
