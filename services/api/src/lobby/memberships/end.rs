//! How a membership ends, whoever ends it. A race in a running engine is banished by the runtime manager, which applies
//! the event.

use galaxy_core::{Timestamp, UserId};
use galaxy_events::catalogue::lobby::{MembershipBlocked, MembershipRemoved};
use galaxy_store::Tx;

use crate::lobby::{
    events,
    game::Game,
    model::MembershipStatus,
    refusal::{Error, Refusal},
    store::{games, memberships, memberships::Membership, race_names},
};

/// How it ends.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// `Removed` or `Blocked`.
    pub status: MembershipStatus,
    /// Why, for operators.
    pub reason: Option<&'a str>,
    /// Who does it; `None` for operators and the deletion of an account.
    pub by: Option<UserId>,
}

/// Ends an active membership of the locked game and saves the game. The race name is free again.
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

/// Blocks a member, or bars one who was removed from coming back.
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

/// 409 that says what became of it before.
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
