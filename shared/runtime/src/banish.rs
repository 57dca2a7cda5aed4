//! Banishing: a member who is out of the lobby's game is taken out of the engine's, durably.

use galaxy_core::{GameId, OperationId, RuntimeStatus, Timestamp, UserId};
use galaxy_store::{Result, Tx};

use crate::{
    model::{NewOperation, Work},
    operations,
    store::{self, records},
};

/// Closes the player's seat and queues the banishment, in the transaction in which the membership ends; `None` if the game has
/// no engine, or if it was queued before. From the commit on the player's commands, orders and reports are refused.
pub async fn request(
    tx: &mut Tx,
    game_id: GameId,
    user_id: UserId,
    race_name: &str,
    now: Timestamp,
) -> Result<Option<OperationId>> {
    let Some(record) = records::lock(tx, game_id).await? else {
        return Ok(None);
    };
    let over = record.finished_at.is_some() || record.status == RuntimeStatus::StartFailed;
    if over || store::queue::has_banishment(tx, game_id, user_id).await? {
        return Ok(None);
    }
    store::players::mark_banished(tx, game_id, user_id, now).await?;
    let operation = NewOperation {
        game_id,
        work: Work::Banish {
            user_id,
            race_name: race_name.to_owned(),
        },
        requested_by: "lobby".to_owned(),
        run_after: now,
    };
    operations::queue(tx, &operation).await.map(Some)
}
