//! Which event is told to whom: the pure table from events to intents.

use galaxy_core::{EventId, Timestamp, UserId};
use galaxy_events::{AnyEvent, catalogue::lobby};
use galaxy_notifications::{Intent, Recipient};
use serde_json::{Value, json};

/// What follows from `event`, which was committed at `time`. Most events are told to nobody.
///
/// The keys are made from the event's id, so that the same event asks for the same notifications.
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
    told(event, time)
        .into_iter()
        .flat_map(|Told { kind, to, payload }| {
            to.into_iter().map(move |recipient| Intent {
                kind: kind.to_owned(),
                idempotency_key: key(event_id, recipient),
                recipient,
                payload: payload.clone(),
            })
        })
        .collect()
}

/// One notification and all who get it.
struct Told {
    kind: &'static str,
    to: Vec<Recipient>,
    payload: Value,
}

fn one(kind: &'static str, user: UserId, payload: Value) -> Vec<Told> {
    all(kind, &[user], payload)
}

fn all(kind: &'static str, users: &[UserId], payload: Value) -> Vec<Told> {
    vec![Told {
        kind,
        to: users.iter().copied().map(Recipient::User).collect(),
        payload,
    }]
}

fn operators(kind: &'static str, payload: Value) -> Told {
    Told {
        kind,
        to: vec![Recipient::Operators],
        payload,
    }
}

fn key(event_id: EventId, recipient: Recipient) -> String {
    match recipient {
        Recipient::User(user) => format!("{event_id}:{user}"),
        Recipient::Operators => format!("{event_id}:operators"),
    }
}

fn told(event: &AnyEvent, time: Timestamp) -> Vec<Told> {
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
        E::RaceNamePending(e) => one(
            "lobby.race_name.pending",
            e.user_id,
            json!({ "name": e.name, "game_id": e.game_id, "expires_at": e.expires_at }),
        ),
        E::RaceNameRegistered(e) => one(
            "lobby.race_name.registered",
            e.user_id,
            json!({ "name": e.name }),
        ),
        E::RaceNameReleased(e) if e.expired => one(
            "lobby.race_name.expired",
            e.user_id,
            json!({ "name": e.name }),
        ),
        E::SanctionApplied(_) | E::SanctionRemoved(_) | E::EntitlementChanged(_) => accounts(event),
        // The first session of an account came with its registration and is no news.
        E::SessionCreated(e) if !e.first => one(
            "session.new_device",
            e.user_id,
            json!({ "device_session_id": e.device_session_id, "at": time }),
        ),
        E::TurnGenerated(_) | E::GenerationFailed(_) | E::EngineUnreachable(_) => engines(event),
        _ => games(event),
    }
}

fn games(event: &AnyEvent) -> Vec<Told> {
    use AnyEvent as E;
    match event {
        E::GameReady(e) => one(
            "lobby.game.ready",
            e.owner_user_id,
            game(e.game_id, &e.game_name),
        ),
        E::GameStartFailed(e) => start_failed(e),
        E::GameStarted(e) => all(
            "lobby.game.started",
            &e.member_user_ids,
            game(e.game_id, &e.game_name),
        ),
        E::GameCancelled(e) => all(
            "lobby.game.cancelled",
            &e.member_user_ids,
            game(e.game_id, &e.game_name),
        ),
        E::GameFinished(e) => all(
            "lobby.game.finished",
            &e.member_user_ids,
            game(e.game_id, &e.game_name),
        ),
        E::GamePaused(e) => all(
            "lobby.game.paused",
            &e.member_user_ids,
            game(e.game_id, &e.game_name),
        ),
        E::GameResumed(e) => all(
            "lobby.game.resumed",
            &e.member_user_ids,
            game(e.game_id, &e.game_name),
        ),
        _ => vec![],
    }
}

fn game(game_id: galaxy_core::GameId, game_name: &str) -> Value {
    json!({ "game_id": game_id, "game_name": game_name })
}

fn start_failed(e: &lobby::GameStartFailed) -> Vec<Told> {
    let payload = json!({ "game_id": e.game_id, "game_name": e.game_name, "error": e.error });
    let mut told = one("lobby.game.start_failed", e.owner_user_id, payload.clone());
    told.push(operators("lobby.game.start_failed", payload));
    told
}

/// Invitees are told what happens to them; nobody is told of a code invite that nobody has taken.
fn invites(event: &AnyEvent) -> Vec<Told> {
    use AnyEvent as E;
    macro_rules! payload {
        ($e:expr) => {
            json!({ "game_id": $e.game_id, "game_name": $e.game_name, "invite_id": $e.invite_id })
        };
    }
    macro_rules! invitee {
        ($kind:literal, $e:expr) => {
            $e.invited_user_id
                .map_or_else(Vec::new, |user| one($kind, user, payload!($e)))
        };
    }
    match event {
        E::InviteCreated(e) => invitee!("lobby.invite.received", e),
        E::InviteRevoked(e) => invitee!("lobby.invite.revoked", e),
        E::InviteExpired(e) => invitee!("lobby.invite.expired", e),
        E::InviteRedeemed(e) => one("lobby.invite.redeemed", e.owner_user_id, payload!(e)),
        E::InviteDeclined(e) => one("lobby.invite.declined", e.owner_user_id, payload!(e)),
        _ => vec![],
    }
}

fn applications(event: &AnyEvent) -> Vec<Told> {
    use AnyEvent as E;
    macro_rules! payload {
        ($e:expr) => {
            json!({
                "game_id": $e.game_id,
                "game_name": $e.game_name,
                "application_id": $e.application_id,
                "race_name": $e.race_name,
            })
        };
    }
    match event {
        E::ApplicationSubmitted(e) => {
            one("lobby.application.submitted", e.owner_user_id, payload!(e))
        }
        E::ApplicationApproved(e) => one(
            "lobby.application.approved",
            e.applicant_user_id,
            payload!(e),
        ),
        E::ApplicationRejected(e) => one(
            "lobby.application.rejected",
            e.applicant_user_id,
            payload!(e),
        ),
        _ => vec![],
    }
}

/// Who leaves a game by itself is not told so.
fn memberships(event: &AnyEvent) -> Vec<Told> {
    use AnyEvent as E;
    macro_rules! payload {
        ($e:expr) => {
            json!({ "game_id": $e.game_id, "game_name": $e.game_name, "race_name": $e.race_name })
        };
    }
    match event {
        E::MembershipRemoved(e) if e.by_user_id != Some(e.user_id) => {
            one("lobby.membership.removed", e.user_id, payload!(e))
        }
        E::MembershipBlocked(e) => one("lobby.membership.blocked", e.user_id, payload!(e)),
        _ => vec![],
    }
}

fn accounts(event: &AnyEvent) -> Vec<Told> {
    use AnyEvent as E;
    match event {
        E::SanctionApplied(e) => one(
            "account.sanction_applied",
            e.user_id,
            with(
                "expires_at",
                e.expires_at,
                json!({ "sanction_code": e.sanction_code }),
            ),
        ),
        E::SanctionRemoved(e) => one(
            "account.sanction_removed",
            e.user_id,
            json!({ "sanction_code": e.sanction_code }),
        ),
        E::EntitlementChanged(e) => one(
            "account.entitlement_changed",
            e.user_id,
            with("ends_at", e.ends_at, json!({ "tier": e.tier })),
        ),
        _ => vec![],
    }
}

/// `payload` with `name`, if there is such a time.
fn with(name: &str, time: Option<Timestamp>, mut payload: Value) -> Value {
    if let Some(time) = time {
        payload[name] = json!(time);
    }
    payload
}

fn engines(event: &AnyEvent) -> Vec<Told> {
    use AnyEvent as E;
    match event {
        E::TurnGenerated(e) => all(
            "game.turn_ready",
            &e.member_user_ids,
            json!({ "game_id": e.game_id, "game_name": e.game_name, "turn": e.turn }),
        ),
        E::GenerationFailed(e) => vec![operators(
            "runtime.generation_failed",
            json!({ "game_id": e.game_id, "game_name": e.game_name, "turn": e.turn, "error": e.error }),
        )],
        E::EngineUnreachable(e) => vec![operators(
            "runtime.engine_unreachable",
            game(e.game_id, &e.game_name),
        )],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests;
