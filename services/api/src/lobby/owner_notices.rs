//! Tells a game's owner what befell its engine. Runtime managers do not know owners, so the lobby asks for these
//! notifications; operators get theirs from the runtime's events directly.

use galaxy_core::{GameId, Timestamp, UserId};
use galaxy_events::{
    Verdict,
    catalogue::{
        notification::NotificationRequested,
        runtime::{EngineIncident, EngineRecovered},
    },
    outbox,
};
use galaxy_store::Tx;
use serde_json::{Value, json};

use super::{refusal::Error, store};

/// The event's own `error` and `log` are for operators, so the owner's payload has only the incident.
pub async fn incident(
    tx: &mut Tx,
    event: &EngineIncident,
    time: Timestamp,
) -> Result<Verdict, Error> {
    let payload = json!({
        "game_id": event.game_id, "game_name": event.game_name, "incident": event.incident,
    });
    let about = event.incident.to_string();
    notify_owner(
        tx,
        event.game_id,
        "game.engine_incident",
        &about,
        payload,
        time,
    )
    .await
}

pub async fn recovered(
    tx: &mut Tx,
    event: &EngineRecovered,
    time: Timestamp,
) -> Result<Verdict, Error> {
    let payload = json!({ "game_id": event.game_id, "game_name": event.game_name });
    notify_owner(
        tx,
        event.game_id,
        "game.engine_recovered",
        "recovered",
        payload,
        time,
    )
    .await
}

/// Asks for the notification `kind`, unless the game is over or was handed over to operators.
async fn notify_owner(
    tx: &mut Tx,
    game_id: GameId,
    kind: &str,
    about: &str,
    payload: Value,
    time: Timestamp,
) -> Result<Verdict, Error> {
    let game = store::games::find(tx, game_id)
        .await?
        .ok_or(Error::Missing("game"))?;
    if game.finished_at.is_some() || game.handed_over_at.is_some() {
        return Ok(Verdict::Done);
    }
    let request = NotificationRequested {
        kind: kind.to_owned(),
        idempotency_key: hourly_key(game_id, about, game.owner_user_id, time),
        user_id: Some(game.owner_user_id),
        payload,
    };
    outbox::append(tx, &request).await?;
    Ok(Verdict::Done)
}

/// The same for everything of one game, owner and sort within an hour of the clock: an engine that fails again and again
/// is told of once an hour.
fn hourly_key(game_id: GameId, about: &str, owner: UserId, time: Timestamp) -> String {
    let hour = time.as_second().div_euclid(3600);
    format!("{game_id}:{about}:{hour}:{owner}")
}
