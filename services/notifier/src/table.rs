//! The table from events to intents: which event notifies which recipients. Pure.

use galaxy_core::{EventId, Timestamp, UserId};
use galaxy_events::{
    AnyEvent,
    catalogue::lobby::{GameFacts, GamePaused, GameStartFailed, InviteFacts, RosterFacts},
};
use galaxy_notifications::{Intent, Recipient};
use serde::Serialize;
use serde_json::{Value, json};

mod engines;

/// The notifications that `event`, committed at `time`, leads to. Most events lead to none.
///
/// The idempotency keys derive from the event's id, so an event that is applied again leads to the same keys. Incidents of
/// one sort in one game share a key for an hour.
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
            idempotency_key: key(
                &row.cause.unwrap_or_else(|| event_id.to_string()),
                row.recipient,
            ),
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
    /// What the idempotency key derives from instead of the event's id.
    cause: Option<String>,
}

fn user(kind: &'static str, user: UserId, payload: Value) -> Vec<Row> {
    vec![Row {
        kind,
        recipient: Recipient::User(user),
        payload,
        cause: None,
    }]
}

fn users(kind: &'static str, users: &[UserId], payload: &Value) -> Vec<Row> {
    let row = |user: &UserId| Row {
        kind,
        recipient: Recipient::User(*user),
        payload: payload.clone(),
        cause: None,
    };
    users.iter().map(row).collect()
}

fn operators(kind: &'static str, payload: Value) -> Vec<Row> {
    vec![Row {
        kind,
        recipient: Recipient::Operators,
        payload,
        cause: None,
    }]
}

fn key(cause: &str, recipient: Recipient) -> String {
    match recipient {
        Recipient::User(user) => format!("{cause}:{user}"),
        Recipient::Operators => format!("{cause}:operators"),
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
        E::TurnGenerated(_)
        | E::GenerationFailed(_)
        | E::EngineUnreachable(_)
        | E::EngineRecovered(_)
        | E::EngineIncident(_) => engines::rows(event, time),
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
        E::GamePaused(e) => paused(e),
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
    put(&mut payload, "engine_version", e.engine_version.as_ref());
    let mut rows = user(KIND, game.owner_user_id, payload.clone());
    rows.extend(operators(KIND, payload));
    rows
}

/// Members learn the reason by push; the owner also gets a mail if a failed turn is the reason.
fn paused(e: &GamePaused) -> Vec<Row> {
    let game = &e.roster.game;
    let mut payload = of_game(game);
    put(&mut payload, "reason", e.reason.as_ref());
    let error = e.failure.as_ref().map(|failure| &failure.error);
    put(&mut payload, "error", error);
    let mut rows = users("lobby.game.paused", &e.roster.member_user_ids, &payload);
    if let Some(failure) = &e.failure {
        let mut payload = of_game(game);
        payload["turn"] = json!(failure.turn);
        payload["error"] = json!(failure.error);
        put(
            &mut payload,
            "engine_version",
            failure.engine_version.as_ref(),
        );
        rows.extend(user("game.turn_failed", game.owner_user_id, payload));
    }
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
        E::SanctionApplied(e) => {
            let mut payload = json!({ "sanction_code": e.sanction_code });
            put(&mut payload, "expires_at", e.expires_at);
            user("account.sanction_applied", e.user_id, payload)
        }
        E::SanctionRemoved(e) => user(
            "account.sanction_removed",
            e.user_id,
            json!({ "sanction_code": e.sanction_code }),
        ),
        E::EntitlementChanged(e) => {
            let mut payload = json!({ "tier": e.tier });
            put(&mut payload, "ends_at", e.ends_at);
            user("account.entitlement_changed", e.user_id, payload)
        }
        _ => vec![],
    }
}

/// Adds `value` to `payload` as the member `name`, unless it is `None`.
fn put(payload: &mut Value, name: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        payload[name] = json!(value);
    }
}

#[cfg(test)]
mod tests;
