//! The lobby's events, written in the transaction of the change.

use galaxy_core::{FailureCode, GameId, OpenEnum, Timestamp, UserId};
use galaxy_events::{
    Event,
    catalogue::lobby::{
        ApplicationApproved, ApplicationFacts, ApplicationRejected, ApplicationSubmitted,
        GameFacts, GameStartFailed, InviteCreated, InviteDeclined, InviteExpired, InviteFacts,
        InviteRedeemed, InviteRevoked, MembershipBlocked, MembershipFacts, MembershipRemoved,
        RaceNamePending, RaceNameRegistered, RaceNameReleased, RosterFacts,
    },
    outbox,
};
use galaxy_store::{Result, Tx};

use super::{
    game::Game,
    store::{applications::Application, invites::Invite, memberships, memberships::Membership},
};

/// Tells that the game is in the status it was just saved with; `event` makes the event of that status.
pub async fn game<E: Event>(
    tx: &mut Tx,
    game: &Game,
    event: impl FnOnce(RosterFacts) -> E,
) -> Result<()> {
    let roster = roster(tx, game).await?;
    append(tx, &event(roster)).await
}

/// Tells that the game could not be started.
pub async fn start_failed(tx: &mut Tx, game: &Game, error: &OpenEnum<FailureCode>) -> Result<()> {
    let event = GameStartFailed {
        roster: roster(tx, game).await?,
        error: error.clone(),
    };
    append(tx, &event).await
}

fn facts(game: &Game) -> GameFacts {
    GameFacts {
        game_id: game.game_id,
        game_name: game.game_name.clone(),
        version: game.version,
        owner_user_id: game.owner_user_id,
    }
}

async fn roster(tx: &mut Tx, game: &Game) -> Result<RosterFacts> {
    let members = memberships::active(tx, game.game_id).await?;
    Ok(RosterFacts {
        game: facts(game),
        member_user_ids: members.iter().map(|member| member.user_id).collect(),
    })
}

async fn append<E: Event>(tx: &mut Tx, event: &E) -> Result<()> {
    outbox::append(tx, event).await.map(|_| ())
}

fn of_application(game: &Game, application: &Application) -> ApplicationFacts {
    ApplicationFacts {
        game: facts(game),
        application_id: application.application_id,
        applicant_user_id: application.applicant_user_id,
        race_name: application.race_name.clone(),
    }
}

/// Tells the owner that somebody applied.
pub async fn application_submitted(
    tx: &mut Tx,
    game: &Game,
    application: &Application,
) -> Result<()> {
    let application = of_application(game, application);
    append(tx, &ApplicationSubmitted { application }).await
}

/// Tells the applicant that it is in.
pub async fn application_approved(
    tx: &mut Tx,
    game: &Game,
    application: &Application,
) -> Result<()> {
    let application = of_application(game, application);
    append(tx, &ApplicationApproved { application }).await
}

/// Tells the applicant that it is not.
pub async fn application_rejected(
    tx: &mut Tx,
    game: &Game,
    application: &Application,
) -> Result<()> {
    let application = of_application(game, application);
    append(tx, &ApplicationRejected { application }).await
}

fn of_invite(game: &Game, invite: &Invite) -> InviteFacts {
    InviteFacts {
        game: facts(game),
        invite_id: invite.invite_id,
        invited_user_id: invite.invited_user_id,
    }
}

/// Tells the invitee.
pub async fn invite_created(tx: &mut Tx, game: &Game, invite: &Invite) -> Result<()> {
    let invite = of_invite(game, invite);
    append(tx, &InviteCreated { invite }).await
}

/// Tells the owner that the invitee does not come.
pub async fn invite_declined(tx: &mut Tx, game: &Game, invite: &Invite) -> Result<()> {
    let invite = of_invite(game, invite);
    append(tx, &InviteDeclined { invite }).await
}

/// Tells the invitee that the invite is taken back.
pub async fn invite_revoked(tx: &mut Tx, game: &Game, invite: &Invite) -> Result<()> {
    let invite = of_invite(game, invite);
    append(tx, &InviteRevoked { invite }).await
}

/// Tells the invitee that the invite ran out.
pub async fn invite_expired(tx: &mut Tx, game: &Game, invite: &Invite) -> Result<()> {
    let invite = of_invite(game, invite);
    append(tx, &InviteExpired { invite }).await
}

/// Tells the owner that the invite was taken up.
pub async fn invite_redeemed(
    tx: &mut Tx,
    game: &Game,
    invite: &Invite,
    member: &Membership,
) -> Result<()> {
    let event = InviteRedeemed {
        invite: of_invite(game, invite),
        redeemed_by_user_id: member.user_id,
        race_name: member.race_name.clone(),
    };
    append(tx, &event).await
}

fn of_membership(game: &Game, member: &Membership, by: Option<UserId>) -> MembershipFacts {
    MembershipFacts {
        game: facts(game),
        membership_id: member.membership_id,
        user_id: member.user_id,
        race_name: member.race_name.clone(),
        by_user_id: by,
    }
}

/// Tells the member, and the runtime manager, which banishes the race from a running engine.
pub async fn membership_removed(
    tx: &mut Tx,
    game: &Game,
    member: &Membership,
    by: Option<UserId>,
) -> Result<()> {
    let membership = of_membership(game, member, by);
    append(tx, &MembershipRemoved { membership }).await
}

/// As [`membership_removed`], for good.
pub async fn membership_blocked(
    tx: &mut Tx,
    game: &Game,
    member: &Membership,
    by: Option<UserId>,
) -> Result<()> {
    let membership = of_membership(game, member, by);
    append(tx, &MembershipBlocked { membership }).await
}

/// Tells the holder that the name can be registered.
pub async fn race_name_pending(
    tx: &mut Tx,
    user_id: UserId,
    name: &str,
    game_id: GameId,
    expires_at: Timestamp,
) -> Result<()> {
    let event = RaceNamePending {
        user_id,
        name: name.to_owned(),
        game_id,
        expires_at,
    };
    append(tx, &event).await
}

/// Tells the holder that the name is registered.
pub async fn race_name_registered(tx: &mut Tx, user_id: UserId, name: &str) -> Result<()> {
    let event = RaceNameRegistered {
        user_id,
        name: name.to_owned(),
    };
    append(tx, &event).await
}

/// Tells that the name is free again.
pub async fn race_name_released(
    tx: &mut Tx,
    user_id: UserId,
    name: &str,
    expired: bool,
) -> Result<()> {
    let event = RaceNameReleased {
        user_id,
        name: name.to_owned(),
        expired,
    };
    append(tx, &event).await
}
