//! The end of enrollment: open applications and invites end with it.

use galaxy_core::Timestamp;
use galaxy_events::catalogue::lobby::{ApplicationRejected, InviteRevoked};
use galaxy_store::{Result, Tx};

use super::{
    events,
    game::Game,
    store::{applications, invites, race_names},
};

/// Rejects open applications and revokes open invites, each with its event.
pub async fn close(tx: &mut Tx, game: &Game, now: Timestamp) -> Result<()> {
    for application in applications::reject_open(tx, game.game_id, now).await? {
        events::application(tx, game, &application, |application| ApplicationRejected {
            application,
        })
        .await?;
    }
    for invite in invites::revoke_open(tx, game.game_id, now).await? {
        events::invite(tx, game, &invite, |invite| InviteRevoked { invite }).await?;
    }
    Ok(())
}

/// Releases the names that were reserved for a game that will not be played.
pub async fn release_names(tx: &mut Tx, game: &Game, now: Timestamp) -> Result<()> {
    for name in race_names::reservations(tx, game.game_id).await? {
        race_names::release(tx, name.race_name_id, now).await?;
        events::race_name_released(tx, name.owner_user_id, &name.name, false).await?;
    }
    Ok(())
}
