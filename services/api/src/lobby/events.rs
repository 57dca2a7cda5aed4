//! The lobby's events, written in the transaction of the change.

use galaxy_core::{FailureCode, GameId, OpenEnum, Timestamp, UserId};
use galaxy_events::{
    Event,
    catalogue::lobby::{
        ApplicationFacts, GameFacts, GamePaused, GameStartFailed, InviteFacts, InviteRedeemed,
        MembershipFacts, RaceNamePending, RaceNameRegistered, RaceNameReleased, RosterFacts,
        TurnFailure,
    },
    outbox,
};
use galaxy_store::{Result, Tx};

use super::{
    game::Game,
    store::{applications::Application, invites::Invite, memberships, memberships::Membership},
};

/// Appends the event that `event` makes of a game in the status that it was just saved with.
pub async fn game<E: Event>(
    tx: &mut Tx,
    game: &Game,
    event: impl FnOnce(RosterFacts) -> E,
) -> Result<()> {
    let roster = roster(tx, game).await?;
    append(tx, &event(roster)).await
}

/// The game was paused for its `pause_reason`; `failure` is the turn that failed, if that is the reason.
pub async fn paused(tx: &mut Tx, game: &Game, failure: Option<TurnFailure>) -> Result<()> {
    let event = GamePaused {
        roster: roster(tx, game).await?,
        reason: game.pause_reason.clone(),
        failure,
    };
    append(tx, &event).await
}

/// The engine of the game did not come up; the runtime's record says which version it was to be.
pub async fn start_failed(tx: &mut Tx, game: &Game, error: &OpenEnum<FailureCode>) -> Result<()> {
    let record = galaxy_runtime::records::get(tx, game.game_id).await?;
    let event = GameStartFailed {
        roster: roster(tx, game).await?,
        error: error.clone(),
        engine_version: record.and_then(|record| record.engine_version),
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

/// Appends the event that `event` makes of an application.
pub async fn application<E: Event>(
    tx: &mut Tx,
    game: &Game,
    application: &Application,
    event: impl FnOnce(ApplicationFacts) -> E,
) -> Result<()> {
    let application = ApplicationFacts {
        game: facts(game),
        application_id: application.application_id,
        applicant_user_id: application.applicant_user_id,
        race_name: application.race_name.clone(),
    };
    append(tx, &event(application)).await
}

fn of_invite(game: &Game, invite: &Invite) -> InviteFacts {
    InviteFacts {
        game: facts(game),
        invite_id: invite.invite_id,
        invited_user_id: invite.invited_user_id,
    }
}

/// Appends the event that `event` makes of an invite.
pub async fn invite<E: Event>(
    tx: &mut Tx,
    game: &Game,
    invite: &Invite,
    event: impl FnOnce(InviteFacts) -> E,
) -> Result<()> {
    append(tx, &event(of_invite(game, invite))).await
}

/// The invite was used; `member` is the membership that came of it.
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

/// Appends the event that `event` makes of a membership that was ended by `by`.
pub async fn membership<E: Event>(
    tx: &mut Tx,
    game: &Game,
    member: &Membership,
    by: Option<UserId>,
    event: impl FnOnce(MembershipFacts) -> E,
) -> Result<()> {
    let membership = MembershipFacts {
        game: facts(game),
        membership_id: member.membership_id,
        user_id: member.user_id,
        race_name: member.race_name.clone(),
        by_user_id: by,
    };
    append(tx, &event(membership)).await
}

/// The holder can register the name until `expires_at`.
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

pub async fn race_name_registered(tx: &mut Tx, user_id: UserId, name: &str) -> Result<()> {
    let event = RaceNameRegistered {
        user_id,
        name: name.to_owned(),
    };
    append(tx, &event).await
}

/// The name is free again; `expired`: because it was not registered in time.
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
