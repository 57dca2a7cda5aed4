use galaxy_core::{FailureCode, Incident};
use serde_json::{Value, json};

use super::*;

/// A value for every variable of every section; texts contain markup that must be escaped in HTML.
fn all_values() -> Value {
    json!({
        "display_name": "<b>Ada</b> & \"co\"",
        "game_name": "<script>alert(1)</script>",
        "race_name": "<i>Zorg</i>",
        "name": "<i>Zorg</i>",
        "game_id": "0198c0de-0000-7000-8000-000000000000",
        "turn": 7,
        "games": [{ "game_name": "<i>Zorg</i>", "turn": 7 }, { "game_name": "B", "turn": 8 }],
        "error": "engine_unhealthy",
        "incident": "crash_loop",
        "engine_version": "<i>Zorg</i>",
        "detail": "<script>alert(2)</script>",
        "exit_code": 137,
        "oom_killed": true,
        "log": "<script>alert(3)</script>\n\n    at {{ main }}\n",
        "sanction_code": "login_block",
        "tier": "monthly",
        "at": "2026-01-15T12:00:00Z",
        "expires_at": "2026-01-15T12:00:00Z",
        "ends_at": "2026-01-15T12:00:00Z",
        "time_zone": "Europe/Berlin",
        "code": "012345",
        "valid_minutes": 10,
        "unsubscribe_url": "https://galaxy.example/unsubscribe?token=a&b",
    })
}

fn kinds() -> Vec<&'static str> {
    CATALOGUE.as_ref().unwrap().kinds()
}

#[test]
fn every_mail_renders_in_every_language_and_escapes_user_input() {
    assert!(kinds().len() >= 20);
    for kind in kinds() {
        for locale in Locale::ALL {
            let content = render(kind, locale, &all_values()).unwrap();
            let html = content.html.unwrap();
            assert!(!content.subject.is_empty(), "{kind} {locale:?}");
            for raw in ["<script", "<i>Zorg", "<b>Ada", "& \"co", "{%"] {
                assert!(!html.contains(raw), "{kind} {locale:?}: {raw} in {html}");
            }
            assert!(content.text.contains("<b>Ada</b>"), "text is not escaped");
            let braces = content.text.matches("{{").count();
            let of_log = content.text.matches("{{ main }}").count();
            assert_eq!(braces, of_log, "every value was put in: {}", content.text);
            assert!(!content.text.contains("\n\n\n"));
            assert!(html.contains("token=a&amp;b\">"), "{html}");
        }
    }
}

#[test]
fn every_mail_differs_between_languages() {
    for kind in kinds() {
        let subjects: Vec<_> = Locale::ALL
            .iter()
            .map(|locale| render(kind, *locale, &all_values()).unwrap().text)
            .collect();
        assert!(
            subjects[0] != subjects[1] && subjects[1] != subjects[2],
            "{kind}"
        );
    }
}

#[test]
fn a_missing_value_is_an_error() {
    for kind in kinds() {
        let rendered = render(kind, Locale::En, &json!({}));
        assert!(rendered.is_err(), "{kind} uses at least one value");
    }
    let error = render("lobby.unknown", Locale::De, &all_values()).unwrap_err();
    assert_eq!(error.kind, "lobby.unknown");
}

#[test]
fn a_sign_in_code_is_in_the_body_and_not_in_the_subject() {
    let code = LoginCode {
        code: "012345",
        valid_minutes: 10,
    };
    for locale in Locale::ALL {
        let content = render(LOGIN_CODE, locale, &code).unwrap();
        assert!(
            content.text.ends_with(".\n\n-- \nGalaxy\n"),
            "{}",
            content.text
        );
        assert!(content.text.contains("012345") && content.html.unwrap().contains("012345"));
        assert!(!content.subject.contains("012345"));
    }
}

#[test]
fn times_are_in_the_time_zone_of_the_context() {
    let text = render("lobby.race_name.pending", Locale::En, &all_values())
        .unwrap()
        .text;
    assert!(text.contains("2026-01-15 13:00 CET"), "{text}");
}

#[test]
fn every_code_has_a_word_in_every_language() {
    let words = |locale: Locale| -> Vec<&str> {
        let source = match locale {
            Locale::En => include_str!("../../templates/en.txt"),
            Locale::De => include_str!("../../templates/de.txt"),
            Locale::Ru => include_str!("../../templates/ru.txt"),
        };
        source
            .lines()
            .skip_while(|line| *line != "== words")
            .skip(1)
            .take_while(|line| !line.starts_with("== "))
            .filter_map(|line| line.split_once(" ="))
            .map(|(code, _)| code)
            .collect()
    };
    assert_eq!(words(Locale::En), words(Locale::De));
    assert_eq!(words(Locale::En), words(Locale::Ru));
    let failures = FailureCode::ALL.iter().map(|code| code.as_str());
    let incidents = Incident::ALL.iter().map(|code| code.as_str());
    let others = ["login_block", "permanent_block", "free"];
    for code in others.into_iter().chain(failures).chain(incidents) {
        assert!(words(Locale::En).contains(&code), "{code}");
    }
}

#[test]
fn a_permanent_block_is_described_when_it_begins_and_not_when_it_ends() {
    let text = |kind, ends: bool| {
        let mut values = all_values();
        values["sanction_code"] = json!("permanent_block");
        if !ends {
            values.as_object_mut().unwrap().remove("expires_at");
        }
        render(kind, Locale::En, &values).unwrap().text
    };
    let applied = text("account.sanction_applied", false);
    assert!(
        applied.contains("now: everything. The account is blocked for good.\n\n-- "),
        "{applied}"
    );
    let ending = text("account.sanction_applied", true);
    assert!(
        ending.contains("for good.\n\nThe restriction ends at"),
        "{ending}"
    );
    let removed = text("account.sanction_removed", false);
    assert!(removed.contains("again: everything.\n"), "{removed}");
}

#[test]
fn each_incident_has_its_own_text_for_owner_and_operators_in_every_language() {
    for kind in ["game.engine_incident", "runtime.engine_incident"] {
        for locale in Locale::ALL {
            let text = |incident: &str| {
                let mut values = all_values();
                values["incident"] = json!(incident);
                render(kind, locale, &values).unwrap().text
            };
            let codes = Incident::ALL.iter().map(|code| code.as_str());
            let texts: std::collections::BTreeSet<_> = codes.chain(["newer"]).map(text).collect();
            assert_eq!(texts.len(), Incident::ALL.len() + 1, "{kind} {locale:?}");
        }
    }
}

#[test]
fn operators_read_version_error_exit_code_memory_and_log_of_an_incident() {
    let content = render("runtime.engine_incident", Locale::En, &all_values()).unwrap();
    let facts = "Engine version: <i>Zorg</i>\nError: <script>alert(2)</script>\nExit code: 137\n\
                 The engine was killed because it ran out of memory.\n\nThe last lines of its log:\n\n\
                 | <script>alert(3)</script>\n|     at {{ main }}\n\n-- ";
    assert!(content.text.contains(facts), "{}", content.text);
    let html = content.html.unwrap();
    let log = "&lt;script&gt;alert(3)&lt;&#x2f;script&gt;\n    at {{ main }}</pre>";
    assert!(html.contains(log), "{html}");
}

#[test]
fn what_an_incident_does_not_know_is_left_out() {
    let values = json!({ "game_id": "g", "game_name": "Alpha", "incident": "gone" });
    let text = render("runtime.engine_incident", Locale::En, &values)
        .unwrap()
        .text;
    assert!(
        text.ends_with("its state.\n\nEngine version: unknown\n\n-- \nGalaxy\n"),
        "{text}"
    );
}

#[test]
fn a_failure_is_told_as_a_sentence_with_the_engine_version() {
    for kind in [
        "game.turn_failed",
        "lobby.game.start_failed",
        "runtime.generation_failed",
    ] {
        for locale in Locale::ALL {
            let mut values = all_values();
            values["engine_version"] = json!("1.4.2");
            for code in FailureCode::ALL {
                values["error"] = json!(code);
                let text = render(kind, locale, &values).unwrap().text;
                assert!(text.contains("1.4.2"), "{kind} {locale:?}: {text}");
                assert!(
                    !text.contains(code.as_str())
                        || *code == FailureCode::Cancelled && locale == Locale::En
                );
            }
        }
    }
}
