//! The end of a membership, by its owner, the player or an operator.
//!
//! In the same transaction the player's seat in a started game closes and the banishment of the race is queued, so that no
//! order passes after the commit, and an event that comes late cannot hit a player who is back.

use galaxy_core::{Timestamp, UserId};
use galaxy_events::catalogue::lobby::{MembershipBlocked, MembershipRemoved};
use galaxy_runtime::banish;
use galaxy_store::Tx;

use crate::lobby::{
    events,
    game::Game,
    model::MembershipStatus,
    refusal::{Error, Refusal},
    store::{games, memberships, memberships::Membership, race_names},
};

#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// `Removed` or `Blocked`.
    pub status: MembershipStatus,
    /// For operators.
    pub reason: Option<&'a str>,
    /// `None` for operators and the deletion of an account.
    pub by: Option<UserId>,
}

/// Ends an active membership of the locked game and saves the game. The race name is released, the seat closes.
pub async fn end(
    tx: &mut Tx,
    game: &mut Game,
    member: &Membership,
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    game.dismiss()?;
    if !memberships::end(tx, member.membership_id, ending.status, ending.reason, now).await? {
        return Err(ended(member.status));
    }
    let user_id = member.user_id;
    if let Some(name) = race_names::release_reservation(tx, user_id, game.game_id, now).await? {
        events::race_name_released(tx, user_id, &name, false).await?;
    }
    games::save(tx, game, now).await?;
    banish::request(tx, game.game_id, user_id, &member.race_name, now).await?;
    match ending.status {
        MembershipStatus::Blocked => {
            events::membership(tx, game, member, ending.by, |membership| {
                MembershipBlocked { membership }
            })
            .await?;
        }
        MembershipStatus::Active | MembershipStatus::Removed => {
            events::membership(tx, game, member, ending.by, |membership| {
                MembershipRemoved { membership }
            })
            .await?;
        }
    }
    Ok(())
}

/// Blocks an active or a removed member. The seat of a removed one is closed already.
pub async fn block(
    tx: &mut Tx,
    game: &mut Game,
    member: &Membership,
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    match member.status {
        MembershipStatus::Active => end(tx, game, member, ending, now).await,
        MembershipStatus::Removed => {
            let id = member.membership_id;
            if memberships::block_removed(tx, id, ending.reason, now).await? {
                Ok(())
            } else {
                Err(ended(member.status))
            }
        }
        MembershipStatus::Blocked => Err(ended(member.status)),
    }
}

/// 409 with the status of a membership that has ended already.
fn ended(status: MembershipStatus) -> Error {
    let status = match status {
        MembershipStatus::Active => "active",
        MembershipStatus::Removed => "removed",
        MembershipStatus::Blocked => "blocked",
    };
    Refusal::AlreadyDecided {
        what: "membership",
        status,
    }
    .into()
}
