//! Invites to private games, for a named player or for anyone with the code.

pub mod code;
pub mod create;
pub mod decline;
pub mod list;
pub mod redeem;
pub mod revoke;

use galaxy_core::{GameId, InviteId, Timestamp, UserId};
use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    model::InviteStatus,
    refusal::{Error, Refusal},
    store::invites::{self, Invite},
};

/// An invite in a path, with its game.
#[derive(Deserialize)]
pub(super) struct InvitePath {
    game_id: GameId,
    invite_id: InviteId,
}

/// The invite of the path, in any status.
async fn find(connection: &mut PgConnection, path: &InvitePath) -> Result<Invite, Error> {
    invites::find(connection, path.game_id, path.invite_id)
        .await?
        .ok_or(Error::Missing("invite"))
}

/// The invite of the path, if it names the caller; 404 for others.
async fn find_own(
    connection: &mut PgConnection,
    path: &InvitePath,
    caller: UserId,
) -> Result<Invite, Error> {
    let invite = find(connection, path).await?;
    if invite.invited_user_id == Some(caller) {
        Ok(invite)
    } else {
        Err(Error::Missing("invite"))
    }
}

/// Refuses an invite that is decided or expired.
fn check_open(invite: &Invite, now: Timestamp) -> Result<(), Error> {
    if invite.status != InviteStatus::Created {
        return Err(decided(invite.status));
    }
    if invite.expires_at <= now {
        return Err(Refusal::InviteExpired.into());
    }
    Ok(())
}

/// 409 with the status of an invite that is not open any more.
fn decided(status: InviteStatus) -> Error {
    let status = match status {
        InviteStatus::Created => "created",
        InviteStatus::Redeemed => "redeemed",
        InviteStatus::Declined => "declined",
        InviteStatus::Revoked => "revoked",
        InviteStatus::Expired => "expired",
    };
    Refusal::AlreadyDecided {
        what: "invite",
        status,
    }
    .into()
}
