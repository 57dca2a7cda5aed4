//! The rooms of this crate and which of them may use which: the table is the drawing of `docs/architecture.md`.
//!
//! Production code is read token by token, so an arrow counts in an import, in a body and in a macro, and neither in a
//! comment nor in a test.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

#[path = "layers/arrows.rs"]
mod arrows;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use arrows::{Arrows, collect, modules_of, rooms_of};

/// Each room with the rooms that it uses, from top to bottom. A room uses only rooms below it.
const ROOMS: &[(&str, &[&str])] = &[
    // Composition: builds each domain's state, joins the routers, starts the loops.
    (
        "main",
        &["commands", "compose", "config", "loops", "routes"],
    ),
    ("commands", &["operators", "routes"]),
    (
        "loops",
        &["auth", "compose", "config", "geo", "lobby", "sweeps"],
    ),
    (
        "routes",
        &[
            "account_lifecycle",
            "accounts",
            "auth",
            "compose",
            "config",
            "engine_proxy",
            "geo",
            "http",
            "lobby",
            "openapi",
            "operators",
        ],
    ),
    (
        "compose",
        &[
            "account_lifecycle",
            "accounts",
            "auth",
            "config",
            "engine_proxy",
            "geo",
            "invalidation",
            "keys",
            "lobby",
            "operators",
        ],
    ),
    ("config", &["auth", "operators"]),
    (
        "sweeps",
        &["account_lifecycle", "accounts", "auth", "lobby", "throttle"],
    ),
    // What operators call.
    (
        "operators",
        &[
            "account_lifecycle",
            "accounts",
            "auth",
            "geo",
            "http",
            "invalidation",
            "keys",
            "lobby",
            "throttle",
        ],
    ),
    // What touches several domains.
    ("account_lifecycle", &["accounts", "auth", "geo", "lobby"]),
    ("engine_proxy", &["accounts", "http", "lobby"]),
    // Domains.
    ("lobby", &["accounts", "http", "keys", "throttle"]),
    (
        "auth",
        &[
            "accounts",
            "batch",
            "geo",
            "http",
            "invalidation",
            "keys",
            "throttle",
        ],
    ),
    ("accounts", &["http"]),
    ("geo", &["http"]),
    // Ground: knows no domain.
    ("batch", &[]),
    ("http", &[]),
    ("invalidation", &[]),
    ("keys", &[]),
    ("openapi", &[]),
    ("throttle", &[]),
];

/// Names that `lib.rs` re-exports, with their rooms.
const RE_EXPORTS: &[(&str, &str)] = &[("Config", "config")];

#[test]
fn every_arrow_is_in_the_table_and_every_entry_of_the_table_is_used() {
    let seen = rooms_of(&src(), RE_EXPORTS);
    let table: Arrows = ROOMS
        .iter()
        .map(|(room, uses)| {
            let uses = uses.iter().map(|used| (*used).to_owned()).collect();
            ((*room).to_owned(), uses)
        })
        .collect();
    assert_eq!(
        seen.keys().collect::<Vec<_>>(),
        table.keys().collect::<Vec<_>>(),
        "the rooms of the crate and those of the table"
    );
    let mut wrong = vec![];
    for (room, uses) in &seen {
        let allowed = &table[room];
        for used in uses.difference(allowed) {
            wrong.push(format!("{room} must not use {used}"));
        }
        for used in allowed.difference(uses) {
            wrong.push(format!(
                "{room} does not use {used} any more: shorten the table"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let place = |room: &str| ROOMS.iter().position(|(other, _)| *other == room);
    for (room, uses) in ROOMS {
        for used in *uses {
            assert!(place(room) < place(used), "{room} is not above {used}");
        }
    }
}

#[test]
fn the_modules_of_the_lobby_use_each_other_in_one_direction() {
    let mut modules = modules_of(&src(), "lobby");
    assert!(modules["game"].contains("model"), "{modules:#?}");
    // What uses nothing but what is left out already is left out: only circles, and what uses them, stay.
    loop {
        let rest: BTreeSet<String> = modules.keys().cloned().collect();
        let before = modules.len();
        modules.retain(|_, uses| !uses.is_disjoint(&rest));
        if modules.len() == before {
            break;
        }
    }
    assert!(modules.is_empty(), "a circle in {modules:#?}");
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn arrows_are_found_in_imports_bodies_and_macros_but_not_in_tests_and_comments() {
    let code = r#"
        use crate::{Config, accounts::{self, Caller}, geo};
        use super::{model, super::lobby::Game};
        /// As [`crate::comments`] says.
        fn body() { crate::keys::hash(macro_of!(crate::batch, "crate::text")); super::own(); }
        #[cfg(test)]
        mod tests { use crate::routes; }
        #[cfg(test)]
        use crate::loops;
        fn after() -> crate::http::Page {}
    "#;
    let mut found = BTreeSet::new();
    collect(code.parse().unwrap(), &["auth", "own"], &mut found);
    let expected = [
        "Config",
        "accounts",
        "accounts::Caller",
        "auth::model",
        "auth::own",
        "batch",
        "geo",
        "http",
        "http::Page",
        "keys",
        "keys::hash",
        "lobby",
        "lobby::Game",
    ];
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
}
