//! The table from events to intents: which event notifies which recipients. Pure.

use galaxy_core::{EventId, Timestamp, UserId};
use galaxy_events::{
    AnyEvent,
    catalogue::lobby::{GameFacts, GameStartFailed, InviteFacts, RosterFacts},
};
use galaxy_notifications::{Intent, Recipient};
use serde_json::{Value, json};

/// The notifications that `event`, committed at `time`, leads to. Most events lead to none.
///
/// The idempotency keys derive from the event's id, so an event that is applied again leads to the same keys.
pub fn intents(event: &AnyEvent, event_id: EventId, time: Timestamp) -> Vec<Intent> {
    if let AnyEvent::NotificationRequested(request) = event {
        return vec![Intent {
            kind: request.kind.clone(),
            idempotency_key: request.idempotency_key.clone(),
            recipient: request
                .user_id
                .map_or(Recipient::Operators, Recipient::User),
            payload: request.payload.clone(),
        }];
    }
    rows(event, time)
        .into_iter()
        .map(|row| Intent {
            kind: row.kind.to_owned(),
            idempotency_key: key(event_id, row.recipient),
            recipient: row.recipient,
            payload: row.payload,
        })
        .collect()
}

/// One notification to one recipient.
struct Row {
    kind: &'static str,
    recipient: Recipient,
    payload: Value,
}

fn user(kind: &'static str, user: UserId, payload: Value) -> Vec<Row> {
    vec![Row {
        kind,
        recipient: Recipient::User(user),
        payload,
    }]
}

fn users(kind: &'static str, users: &[UserId], payload: &Value) -> Vec<Row> {
    let row = |user: &UserId| Row {
        kind,
        recipient: Recipient::User(*user),
        payload: payload.clone(),
    };
    users.iter().map(row).collect()
}

fn operators(kind: &'static str, payload: Value) -> Vec<Row> {
    vec![Row {
        kind,
        recipient: Recipient::Operators,
        payload,
    }]
}

fn key(event_id: EventId, recipient: Recipient) -> String {
    match recipient {
        Recipient::User(user) => format!("{event_id}:{user}"),
        Recipient::Operators => format!("{event_id}:operators"),
    }
}

fn rows(event: &AnyEvent, time: Timestamp) -> Vec<Row> {
    use AnyEvent as E;
    match event {
        E::InviteCreated(_)
        | E::InviteRedeemed(_)
        | E::InviteDeclined(_)
        | E::InviteRevoked(_)
        | E::InviteExpired(_) => invites(event),
        E::ApplicationSubmitted(_) | E::ApplicationApproved(_) | E::ApplicationRejected(_) => {
            applications(event)
        }
        E::MembershipRemoved(_) | E::MembershipBlocked(_) => memberships(event),
        E::RaceNamePending(e) => user(
            "lobby.race_name.pending",
            e.user_id,
            json!({ "name": e.name, "game_id": e.game_id, "expires_at": e.expires_at }),
        ),
        E::RaceNameRegistered(e) => user(
            "lobby.race_name.registered",
            e.user_id,
            json!({ "name": e.name }),
        ),
        E::RaceNameReleased(e) if e.expired => user(
            "lobby.race_name.expired",
            e.user_id,
            json!({ "name": e.name }),
        ),
        E::SanctionApplied(_) | E::SanctionRemoved(_) | E::EntitlementChanged(_) => accounts(event),
        // The first session of an account is part of its registration.
        E::SessionCreated(e) if !e.first => user(
            "session.new_device",
            e.user_id,
            json!({ "device_session_id": e.device_session_id, "at": time }),
        ),
        E::TurnGenerated(_) | E::GenerationFailed(_) | E::EngineUnreachable(_) => engines(event),
        _ => games(event),
    }
}

fn games(event: &AnyEvent) -> Vec<Row> {
    use AnyEvent as E;
    match event {
        E::GameReady(e) => {
            let game = &e.roster.game;
            user("lobby.game.ready", game.owner_user_id, of_game(game))
        }
        E::GameStartFailed(e) => start_failed(e),
        E::GameStarted(e) => members("lobby.game.started", &e.roster),
        E::GameCancelled(e) => members("lobby.game.cancelled", &e.roster),
        E::GameFinished(e) => members("lobby.game.finished", &e.roster),
        E::GamePaused(e) => members("lobby.game.paused", &e.roster),
        E::GameResumed(e) => members("lobby.game.resumed", &e.roster),
        _ => vec![],
    }
}

fn members(kind: &'static str, roster: &RosterFacts) -> Vec<Row> {
    users(kind, &roster.member_user_ids, &of_game(&roster.game))
}

fn of_game(game: &GameFacts) -> Value {
    json!({ "game_id": game.game_id, "game_name": game.game_name })
}

fn start_failed(e: &GameStartFailed) -> Vec<Row> {
    const KIND: &str = "lobby.game.start_failed";
    let game = &e.roster.game;
    let mut payload = of_game(game);
    payload["error"] = json!(e.error);
    let mut rows = user(KIND, game.owner_user_id, payload.clone());
    rows.extend(operators(KIND, payload));
    rows
}

/// An invite without an invitee (a code that is not redeemed) notifies only the owner of the game.
fn invites(event: &AnyEvent) -> Vec<Row> {
    use AnyEvent as E;
    match event {
        E::InviteCreated(e) => invitee("lobby.invite.received", &e.invite),
        E::InviteRevoked(e) => invitee("lobby.invite.revoked", &e.invite),
        E::InviteExpired(e) => invitee("lobby.invite.expired", &e.invite),
        E::InviteRedeemed(e) => inviter("lobby.invite.redeemed", &e.invite),
        E::InviteDeclined(e) => inviter("lobby.invite.declined", &e.invite),
        _ => vec![],
    }
}

fn invitee(kind: &'static str, invite: &InviteFacts) -> Vec<Row> {
    invite
        .invited_user_id
        .map_or_else(Vec::new, |invited| user(kind, invited, of_invite(invite)))
}

fn inviter(kind: &'static str, invite: &InviteFacts) -> Vec<Row> {
    user(kind, invite.game.owner_user_id, of_invite(invite))
}

fn of_invite(invite: &InviteFacts) -> Value {
    let mut payload = of_game(&invite.game);
    payload["invite_id"] = json!(invite.invite_id);
    payload
}

fn applications(event: &AnyEvent) -> Vec<Row> {
    use AnyEvent as E;
    let (kind, application, recipient) = match event {
        E::ApplicationSubmitted(e) => (
            "lobby.application.submitted",
            &e.application,
            e.application.game.owner_user_id,
        ),
        E::ApplicationApproved(e) => (
            "lobby.application.approved",
            &e.application,
            e.application.applicant_user_id,
        ),
        E::ApplicationRejected(e) => (
            "lobby.application.rejected",
            &e.application,
            e.application.applicant_user_id,
        ),
        _ => return vec![],
    };
    let mut payload = of_game(&application.game);
    payload["application_id"] = json!(application.application_id);
    payload["race_name"] = json!(application.race_name);
    user(kind, recipient, payload)
}

/// A member who leaves by choice is not notified.
fn memberships(event: &AnyEvent) -> Vec<Row> {
    use AnyEvent as E;
    let (kind, membership) = match event {
        E::MembershipRemoved(e) if e.membership.by_user_id != Some(e.membership.user_id) => {
            ("lobby.membership.removed", &e.membership)
        }
        E::MembershipBlocked(e) => ("lobby.membership.blocked", &e.membership),
        _ => return vec![],
    };
    let mut payload = of_game(&membership.game);
    payload["race_name"] = json!(membership.race_name);
    user(kind, membership.user_id, payload)
}

fn accounts(event: &AnyEvent) -> Vec<Row> {
    use AnyEvent as E;
    match event {
        E::SanctionApplied(e) => user(
            "account.sanction_applied",
            e.user_id,
            with(
                "expires_at",
                e.expires_at,
                json!({ "sanction_code": e.sanction_code }),
            ),
        ),
        E::SanctionRemoved(e) => user(
            "account.sanction_removed",
            e.user_id,
            json!({ "sanction_code": e.sanction_code }),
        ),
        E::EntitlementChanged(e) => user(
            "account.entitlement_changed",
            e.user_id,
            with("ends_at", e.ends_at, json!({ "tier": e.tier })),
        ),
        _ => vec![],
    }
}

fn engines(event: &AnyEvent) -> Vec<Row> {
    use AnyEvent as E;
    match event {
        E::TurnGenerated(e) => users(
            "game.turn_ready",
            &e.member_user_ids,
            &json!({ "game_id": e.game_id, "game_name": e.game_name, "turn": e.turn }),
        ),
        E::GenerationFailed(e) => operators(
            "runtime.generation_failed",
            json!({ "game_id": e.game_id, "game_name": e.game_name, "turn": e.turn, "error": e.error }),
        ),
        E::EngineUnreachable(e) => operators(
            "runtime.engine_unreachable",
            json!({ "game_id": e.game_id, "game_name": e.game_name }),
        ),
        _ => vec![],
    }
}

/// Adds `time` to `payload` as the member `name`, unless it is `None`.
fn with(name: &str, time: Option<Timestamp>, mut payload: Value) -> Value {
    if let Some(time) = time {
        payload[name] = json!(time);
    }
    payload
}

#[cfg(test)]
mod tests;
