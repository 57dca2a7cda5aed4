use std::time::Duration;

use galaxy_core::{EventId, GameId};
use galaxy_notifications::Recipient;

use super::*;
use crate::table::{
    intents,
    tests::{accounts_of_events, event, intents_of},
};

#[test]
fn operators_are_told_of_failures_incidents_and_recovery() {
    let accounts = accounts_of_events();
    for name in [
        "runtime.generation_failed",
        "runtime.engine_unreachable",
        "runtime.engine_recovered",
        "runtime.engine_incident",
    ] {
        let intents = intents_of(&event(name, &accounts, &json!({})));
        assert_eq!(intents.len(), 1, "{name}");
        assert_eq!(intents[0].kind, name);
        assert_eq!(intents[0].recipient, Recipient::Operators, "{name}");
    }
}

#[test]
fn operators_get_everything_that_an_incident_says() {
    let change = json!({
        "engine_version": "1.4.2", "error": format!("exited\n with {}", "x".repeat(4_000)), "exit_code": 137,
        "oom_killed": true, "log": "last words",
    });
    let event = event("runtime.engine_incident", &accounts_of_events(), &change);
    let payload = &intents_of(&event)[0].payload;
    for name in [
        "incident",
        "engine_version",
        "exit_code",
        "oom_killed",
        "log",
    ] {
        let wanted = change.get(name).cloned().unwrap_or(json!("crash_loop"));
        assert_eq!(payload[name], wanted, "{name}");
    }
    let detail = payload["detail"].as_str().unwrap();
    assert!(detail.starts_with("exited with x"), "one line: {detail}");
    assert_eq!(detail.chars().count(), 1_000);
}

#[test]
fn an_incident_without_details_has_no_empty_members() {
    let change = json!({ "error": null, "log": " \n" });
    let event = event("runtime.engine_incident", &accounts_of_events(), &change);
    let payload = intents_of(&event).remove(0).payload;
    let names: Vec<_> = payload.as_object().unwrap().keys().collect();
    assert_eq!(names, ["game_id", "game_name", "incident"]);
}

#[test]
fn incidents_of_one_sort_in_one_game_share_a_key_for_an_hour() {
    let accounts = accounts_of_events();
    let change =
        |incident: &str| json!({ "game_id": GameId(uuid::Uuid::nil()), "incident": incident });
    let (loops, lost) = (change("crash_loop"), change("host_lost"));
    let key = |change: &Value, minutes: u64| {
        let time = galaxy_testkit::noon() + Duration::from_mins(minutes);
        let event = event("runtime.engine_incident", &accounts, change);
        let mut intents = intents(&event, EventId::generate(), time);
        intents.remove(0).idempotency_key
    };
    assert_eq!(key(&loops, 0), key(&loops, 59));
    assert_ne!(key(&loops, 0), key(&loops, 60));
    assert_ne!(key(&loops, 0), key(&lost, 0));
    let other = json!({ "game_id": GameId::generate() });
    assert_ne!(key(&loops, 0), key(&other, 0));
}
