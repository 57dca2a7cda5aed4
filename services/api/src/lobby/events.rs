//! What the lobby tells the others, in the transaction of the change.

use galaxy_core::{GameId, Timestamp, UserId};
use galaxy_events::{
    Event,
    catalogue::lobby::{
        ApplicationApproved, ApplicationRejected, ApplicationSubmitted, GameCancelled,
        GameFinished, GameOpened, GamePaused, GameReady, GameResumed, GameStartFailed, GameStarted,
        GameStarting, InviteCreated, InviteDeclined, InviteExpired, InviteRedeemed, InviteRevoked,
        MembershipBlocked, MembershipRemoved, RaceNamePending, RaceNameRegistered,
        RaceNameReleased,
    },
    outbox,
};
use galaxy_store::{Result, Tx};

use super::{
    game::Game,
    store::{applications::Application, invites::Invite, memberships, memberships::Membership},
};

/// What every event about a game's status says.
pub struct GameFacts {
    game_id: GameId,
    game_name: String,
    version: i64,
    owner_user_id: UserId,
    member_user_ids: Vec<UserId>,
}

macro_rules! from_game_facts {
    ($($event:ident),+) => {$(
        impl From<GameFacts> for $event {
            fn from(facts: GameFacts) -> Self {
                let GameFacts { game_id, game_name, version, owner_user_id, member_user_ids } = facts;
                Self { game_id, game_name, version, owner_user_id, member_user_ids }
            }
        }
    )+};
}

from_game_facts!(
    GameOpened,
    GameReady,
    GameStarting,
    GameStarted,
    GamePaused,
    GameResumed,
    GameCancelled,
    GameFinished
);

/// Tells that the game is in the status it was just saved with.
pub async fn game<E: Event + From<GameFacts>>(tx: &mut Tx, game: &Game) -> Result<()> {
    let facts = facts(tx, game).await?;
    append(tx, &E::from(facts)).await
}

/// Tells that the game could not be started.
pub async fn start_failed(tx: &mut Tx, game: &Game, error: &str) -> Result<()> {
    let facts = facts(tx, game).await?;
    let event = GameStartFailed {
        game_id: facts.game_id,
        game_name: facts.game_name,
        version: facts.version,
        owner_user_id: facts.owner_user_id,
        member_user_ids: facts.member_user_ids,
        error: error.to_owned(),
    };
    append(tx, &event).await
}

async fn facts(tx: &mut Tx, game: &Game) -> Result<GameFacts> {
    let members = memberships::active(tx, game.game_id).await?;
    Ok(GameFacts {
        game_id: game.game_id,
        game_name: game.game_name.clone(),
        version: game.version,
        owner_user_id: game.owner_user_id,
        member_user_ids: members.iter().map(|member| member.user_id).collect(),
    })
}

async fn append<E: Event>(tx: &mut Tx, event: &E) -> Result<()> {
    outbox::append(tx, event).await.map(|_| ())
}

macro_rules! application_event {
    ($(#[$doc:meta])* $function:ident, $event:ident) => {
        $(#[$doc])*
        pub async fn $function(tx: &mut Tx, game: &Game, application: &Application) -> Result<()> {
            let event = $event {
                game_id: game.game_id,
                game_name: game.game_name.clone(),
                version: game.version,
                owner_user_id: game.owner_user_id,
                application_id: application.application_id,
                applicant_user_id: application.applicant_user_id,
                race_name: application.race_name.clone(),
            };
            append(tx, &event).await
        }
    };
}

application_event!(
    /// Tells the owner that somebody applied.
    application_submitted,
    ApplicationSubmitted
);
application_event!(
    /// Tells the applicant that it is in.
    application_approved,
    ApplicationApproved
);
application_event!(
    /// Tells the applicant that it is not.
    application_rejected,
    ApplicationRejected
);

macro_rules! invite_event {
    ($(#[$doc:meta])* $function:ident, $event:ident) => {
        $(#[$doc])*
        pub async fn $function(tx: &mut Tx, game: &Game, invite: &Invite) -> Result<()> {
            let event = $event {
                game_id: game.game_id,
                game_name: game.game_name.clone(),
                version: game.version,
                owner_user_id: game.owner_user_id,
                invite_id: invite.invite_id,
                invited_user_id: invite.invited_user_id,
            };
            append(tx, &event).await
        }
    };
}

invite_event!(
    /// Tells the invitee.
    invite_created,
    InviteCreated
);
invite_event!(
    /// Tells the owner that the invitee does not come.
    invite_declined,
    InviteDeclined
);
invite_event!(
    /// Tells the invitee that the invite is taken back.
    invite_revoked,
    InviteRevoked
);
invite_event!(
    /// Tells the invitee that the invite ran out.
    invite_expired,
    InviteExpired
);

/// Tells the owner that the invite was taken up.
pub async fn invite_redeemed(
    tx: &mut Tx,
    game: &Game,
    invite: &Invite,
    member: &Membership,
) -> Result<()> {
    let event = InviteRedeemed {
        game_id: game.game_id,
        game_name: game.game_name.clone(),
        version: game.version,
        owner_user_id: game.owner_user_id,
        invite_id: invite.invite_id,
        invited_user_id: invite.invited_user_id,
        redeemed_by_user_id: member.user_id,
        race_name: member.race_name.clone(),
    };
    append(tx, &event).await
}

macro_rules! membership_event {
    ($(#[$doc:meta])* $function:ident, $event:ident) => {
        $(#[$doc])*
        pub async fn $function(
            tx: &mut Tx,
            game: &Game,
            member: &Membership,
            by: Option<UserId>,
        ) -> Result<()> {
            let event = $event {
                game_id: game.game_id,
                game_name: game.game_name.clone(),
                version: game.version,
                owner_user_id: game.owner_user_id,
                membership_id: member.membership_id,
                user_id: member.user_id,
                race_name: member.race_name.clone(),
                by_user_id: by,
            };
            append(tx, &event).await
        }
    };
}

membership_event!(
    /// Tells the member, and the runtime manager, which banishes the race from a running engine.
    membership_removed,
    MembershipRemoved
);
membership_event!(
    /// As [`membership_removed`], for good.
    membership_blocked,
    MembershipBlocked
);

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
