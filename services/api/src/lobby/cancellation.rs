//! The end of a game that was not played.

use galaxy_core::Timestamp;
use galaxy_events::catalogue::lobby::GameCancelled;
use galaxy_store::Tx;

use super::{enrollment, events, game::Game, refusal::Error, store};

/// Cancels the locked game and saves it: nobody can join any more, reserved race names are free again.
pub async fn cancel(tx: &mut Tx, game: &mut Game, now: Timestamp) -> Result<(), Error> {
    game.cancel(now)?;
    store::games::save(tx, game, now).await?;
    enrollment::close(tx, game, now).await?;
    enrollment::release_names(tx, game, now).await?;
    events::game(tx, game, |roster| GameCancelled { roster }).await?;
    Ok(())
}
