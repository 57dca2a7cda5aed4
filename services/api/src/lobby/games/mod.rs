//! Games themselves: made, shown, changed and led from status to status by their owners.

pub mod cancel;
pub mod create;
pub mod get;
pub mod list;
pub mod open;
pub mod pause;
pub mod ready;
pub mod resume;
pub mod retry_start;
pub mod start;
pub mod update;

use galaxy_core::{GameId, Timestamp, UserId};
use galaxy_store::Tx;

use super::{game::Game, refusal::Error, store};
use crate::accounts::{self, Action};

/// The owner's game, locked, once the owner is known to be allowed to manage games. The account comes first, as
/// everywhere.
pub(super) async fn lock_managed(
    tx: &mut Tx,
    owner: UserId,
    game_id: GameId,
    now: Timestamp,
) -> Result<Game, Error> {
    accounts::ensure_may(tx, owner, Action::ManageGame, now).await?;
    store::games::lock(tx, game_id)
        .await?
        .ok_or(Error::Missing("game"))
}
