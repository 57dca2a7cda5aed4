use galaxy_core::{ApplicationId, DeviceSessionId, GameId, InviteId, MembershipId};
use galaxy_events::catalogue::notification::NotificationRequested;
use galaxy_notifications::kind::Kind;

use super::*;

/// The accounts in the events of these tests.
pub(super) struct Accounts {
    owner: UserId,
    player: UserId,
    members: [UserId; 2],
}

pub(super) fn accounts_of_events() -> Accounts {
    Accounts {
        owner: UserId::generate(),
        player: UserId::generate(),
        members: [UserId::generate(), UserId::generate()],
    }
}

/// The event of type `event_type` with every field that any event has.
pub(super) fn event(event_type: &str, accounts: &Accounts, change: &Value) -> AnyEvent {
    let mut data = json!({
        "game_id": GameId::generate(), "game_name": "Alpha", "version": 3,
        "owner_user_id": accounts.owner, "member_user_ids": accounts.members, "user_id": accounts.player,
        "applicant_user_id": accounts.player, "invited_user_id": accounts.player, "redeemed_by_user_id": accounts.player,
        "application_id": ApplicationId::generate(), "invite_id": InviteId::generate(),
        "membership_id": MembershipId::generate(), "device_session_id": DeviceSessionId::generate(),
        "race_name": "Zorg", "name": "Zorg", "expires_at": "2026-02-15T12:00:00Z", "expired": true, "first": false,
        "sanction_code": "login_block", "tier": "monthly", "turn": 7, "error": "engine_unhealthy", "reason": "x",
        "operation_id": galaxy_core::OperationId::generate(), "op": "start", "succeeded": true, "stage": "running",
        "runtime_status": "running", "engine_health": "healthy", "players": [], "incident": "crash_loop",
    });
    for (name, value) in change.as_object().unwrap() {
        data[name] = value.clone();
    }
    let event_type = format!("galaxy.{event_type}.v1");
    AnyEvent::decode(&event_type, data.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{error}"))
        .unwrap_or_else(|| panic!("unknown event type {event_type}"))
}

pub(super) fn intents_of(event: &AnyEvent) -> Vec<Intent> {
    intents(event, EventId::generate(), galaxy_testkit::noon())
}

#[test]
fn each_event_notifies_the_accounts_it_concerns() {
    let accounts = accounts_of_events();
    let (owner, player) = (
        vec![Recipient::User(accounts.owner)],
        vec![Recipient::User(accounts.player)],
    );
    let members: Vec<_> = accounts.members.into_iter().map(Recipient::User).collect();
    let table: &[(&str, &str, &Vec<Recipient>)] = &[
        ("lobby.invite_created", "lobby.invite.received", &player),
        ("lobby.invite_redeemed", "lobby.invite.redeemed", &owner),
        ("lobby.invite_declined", "lobby.invite.declined", &owner),
        ("lobby.invite_revoked", "lobby.invite.revoked", &player),
        ("lobby.invite_expired", "lobby.invite.expired", &player),
        (
            "lobby.application_submitted",
            "lobby.application.submitted",
            &owner,
        ),
        (
            "lobby.application_approved",
            "lobby.application.approved",
            &player,
        ),
        (
            "lobby.application_rejected",
            "lobby.application.rejected",
            &player,
        ),
        (
            "lobby.membership_removed",
            "lobby.membership.removed",
            &player,
        ),
        (
            "lobby.membership_blocked",
            "lobby.membership.blocked",
            &player,
        ),
        ("lobby.game_ready", "lobby.game.ready", &owner),
        ("lobby.game_started", "lobby.game.started", &members),
        ("lobby.game_cancelled", "lobby.game.cancelled", &members),
        ("lobby.game_finished", "lobby.game.finished", &members),
        ("lobby.game_paused", "lobby.game.paused", &members),
        ("lobby.game_resumed", "lobby.game.resumed", &members),
        ("runtime.turn_generated", "game.turn_ready", &members),
        (
            "lobby.race_name_pending",
            "lobby.race_name.pending",
            &player,
        ),
        (
            "lobby.race_name_released",
            "lobby.race_name.expired",
            &player,
        ),
        (
            "lobby.race_name_registered",
            "lobby.race_name.registered",
            &player,
        ),
        (
            "account.sanction_applied",
            "account.sanction_applied",
            &player,
        ),
        (
            "account.sanction_removed",
            "account.sanction_removed",
            &player,
        ),
        (
            "account.entitlement_changed",
            "account.entitlement_changed",
            &player,
        ),
        ("session.created", "session.new_device", &player),
    ];
    for (event_type, kind, to) in table {
        let intents = intents_of(&event(event_type, &accounts, &json!({})));
        let kinds: Vec<_> = intents.iter().map(|intent| intent.kind.as_str()).collect();
        assert_eq!(kinds, vec![*kind; to.len()], "{event_type}");
        let recipients: Vec<_> = intents.iter().map(|intent| intent.recipient).collect();
        assert_eq!(&recipients, *to, "{event_type}");
    }
}

#[test]
fn a_failed_start_notifies_the_owner_and_operators() {
    let accounts = accounts_of_events();
    let intents = intents_of(&event("lobby.game_start_failed", &accounts, &json!({})));
    let recipients: Vec<_> = intents.iter().map(|intent| intent.recipient).collect();
    assert_eq!(
        recipients,
        [Recipient::User(accounts.owner), Recipient::Operators]
    );
    assert!(
        intents
            .iter()
            .all(|intent| intent.kind == "lobby.game.start_failed")
    );
}

#[test]
fn a_pause_by_a_failed_turn_tells_members_the_reason_and_the_owner_more() {
    let accounts = accounts_of_events();
    let failure = json!({
        "reason": "generation_failed",
        "failure": { "turn": 8, "error": "engine_timeout", "engine_version": "1.4.2" },
    });
    let intents = intents_of(&event("lobby.game_paused", &accounts, &failure));
    let recipients: Vec<_> = intents.iter().map(|intent| intent.recipient).collect();
    let [one, other] = accounts.members.map(Recipient::User);
    assert_eq!(recipients, [one, other, Recipient::User(accounts.owner)]);
    let (member, owner) = (&intents[0], &intents[2]);
    assert_eq!(member.kind, "lobby.game.paused");
    assert_eq!(member.payload["reason"], "generation_failed");
    assert_eq!(member.payload["error"], "engine_timeout");
    assert_eq!(owner.kind, "game.turn_failed");
    assert_eq!(owner.payload["turn"], 8);
    assert_eq!(owner.payload["error"], "engine_timeout");
    assert_eq!(owner.payload["engine_version"], "1.4.2");
}

#[test]
fn own_actions_and_internal_events_notify_no_account() {
    let accounts = accounts_of_events();
    for (event_type, change) in [
        ("session.created", json!({ "first": true })),
        (
            "lobby.membership_removed",
            json!({ "by_user_id": accounts.player }),
        ),
        ("lobby.race_name_released", json!({ "expired": false })),
        ("lobby.invite_created", json!({ "invited_user_id": null })),
        ("lobby.invite_revoked", json!({ "invited_user_id": null })),
        ("lobby.game_opened", json!({})),
        ("lobby.game_starting", json!({})),
        ("account.created", json!({})),
        ("account.blocked", json!({})),
        ("session.revoked", json!({})),
        ("runtime.operation_finished", json!({})),
        ("runtime.snapshot", json!({})),
        ("runtime.game_finished", json!({})),
    ] {
        let intents = intents_of(&event(event_type, &accounts, &change));
        assert!(intents.is_empty(), "{event_type} {change}: {intents:?}");
    }
}

#[test]
pub(super) fn intents_of_every_event_have_a_known_kind_and_its_payload_members() {
    let accounts = accounts_of_events();
    for (event_type, ..) in galaxy_events::catalogue::schemas() {
        let name = event_type
            .trim_start_matches("galaxy.")
            .trim_end_matches(".v1");
        if name == "notification.requested" {
            continue;
        }
        for intent in intents_of(&event(name, &accounts, &json!({}))) {
            let kind = Kind::find(&intent.kind).unwrap_or_else(|| panic!("{}", intent.kind));
            for field in kind.fields {
                assert!(!intent.payload[*field].is_null(), "{name}: {field}");
            }
        }
    }
}

#[test]
fn idempotency_keys_are_equal_for_the_same_event_id_only() {
    let accounts = accounts_of_events();
    let event = event("lobby.game_started", &accounts, &json!({}));
    let keys = |id: EventId| -> Vec<String> {
        let intents = intents(&event, id, galaxy_testkit::noon());
        intents
            .into_iter()
            .map(|intent| intent.idempotency_key)
            .collect()
    };
    let (one, other) = (EventId::generate(), EventId::generate());
    assert_eq!(keys(one), keys(one));
    assert!(keys(one).iter().all(|key| !keys(other).contains(key)));
    assert_ne!(keys(one)[0], keys(one)[1], "each recipient has its own key");
}

#[test]
fn an_explicit_request_becomes_an_intent_unchanged() {
    let request = NotificationRequested {
        kind: "lobby.race_name.registered".to_owned(),
        idempotency_key: "k".to_owned(),
        user_id: None,
        payload: json!({ "name": "Zorg" }),
    };
    let intents = intents_of(&AnyEvent::NotificationRequested(request.clone()));
    assert_eq!(intents[0].idempotency_key, "k");
    assert_eq!(intents[0].recipient, Recipient::Operators);
    assert_eq!(intents[0].payload, request.payload);
}
