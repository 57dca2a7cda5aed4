//! The end of a player's part in the lobby, when the account is deleted or blocked for good.

use galaxy_core::{Timestamp, UserId};
use galaxy_store::Tx;

use super::{
    cancellation, events,
    game::Game,
    memberships::end::{self, Ending},
    model::{GameStatus, MembershipStatus},
    refusal::{Error, Refusal},
    runtime, store,
};

/// Withdraws applications, revokes invites, ends memberships, releases race names of every tier and cancels owned games
/// that do not run yet. Owned games that run are paused; operators manage them from then on.
///
/// The caller has locked the account's row for change, before anything of the lobby. Calling it again changes nothing.
pub async fn end_participation(tx: &mut Tx, user_id: UserId, now: Timestamp) -> Result<(), Error> {
    store::applications::withdraw_all(tx, user_id, now).await?;
    store::invites::revoke_of(tx, user_id, now).await?;
    let games = store::sweeps::lock_games_of(tx, user_id).await?;
    for game_id in games {
        if let Some(mut game) = store::games::lock(tx, game_id).await? {
            leave(tx, &mut game, user_id, now).await?;
            if game.owner_user_id == user_id {
                hand_over(tx, &mut game, now).await?;
            }
        }
    }
    for name in store::race_names::held_by(tx, user_id).await? {
        store::race_names::release(tx, name.race_name_id, now).await?;
        events::race_name_released(tx, user_id, &name.name, false).await?;
    }
    Ok(())
}

async fn leave(tx: &mut Tx, game: &mut Game, user_id: UserId, now: Timestamp) -> Result<(), Error> {
    let member = store::memberships::of(tx, game.game_id, user_id).await?;
    let Some(member) = member.filter(|member| member.status == MembershipStatus::Active) else {
        return Ok(());
    };
    let ending = Ending {
        status: MembershipStatus::Removed,
        reason: None,
        by: None,
    };
    end::end(tx, game, &member, ending, now).await
}

async fn hand_over(tx: &mut Tx, game: &mut Game, now: Timestamp) -> Result<(), Error> {
    if !game.status.has_engine() {
        return cancellation::cancel(tx, game, now).await;
    }
    game.handed_over_at = game.handed_over_at.or(Some(now));
    let pauses = game.status == GameStatus::Running;
    if pauses {
        game.pause("owner_left")?;
        match runtime::pause(tx, game, now).await {
            // An engine that is not there has no turns to stop.
            Ok(()) | Err(Error::Refused(Refusal::RuntimeNotReady { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    store::games::save(tx, game, now).await?;
    if pauses {
        events::paused(tx, game, None).await?;
    }
    Ok(())
}
