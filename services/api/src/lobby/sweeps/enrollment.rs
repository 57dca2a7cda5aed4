//! Makes games ready whose enrollment has ended with enough players.

use galaxy_core::Timestamp;
use galaxy_events::catalogue::lobby::GameReady;
use galaxy_store::{Db, Result};

use crate::lobby::{engine_choice, enrollment, events, store};

/// Looks at up to `batch` such games; returns how many. A game without enough players stays open until its owner acts.
pub async fn end_enrollment(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let mut tx = db.begin().await?;
    let due = store::sweeps::enrollment_ended(&mut tx, now, batch).await?;
    for game_id in &due {
        let Some(mut game) = store::games::lock(&mut tx, *game_id).await? else {
            continue;
        };
        if game.make_ready().is_err() || !engine_choice::takes_roster(&mut tx, &game).await? {
            continue;
        }
        store::games::save(&mut tx, &mut game, now).await?;
        enrollment::close(&mut tx, &game, now).await?;
        events::game(&mut tx, &game, |roster| GameReady { roster }).await?;
    }
    tx.commit().await?;
    Ok(due.len() as u64)
}
