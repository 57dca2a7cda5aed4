//! The rooms of this crate and which of them may use which: the table is the drawing of `docs/architecture.md`.
//!
//! Production code is read token by token, so an arrow counts in an import, in a body and in a macro, and neither in a
//! comment nor in a test.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Each room with the rooms that it uses, from top to bottom. A room uses only rooms below it.
const ROOMS: &[(&str, &[&str])] = &[
    // Composition: builds each domain's state, joins the routers, starts the loops.
    ("main", &["compose", "config", "loops", "routes"]),
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

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_arrow_is_in_the_table_and_every_entry_of_the_table_is_used() {
    let seen = arrows_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
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
    collect(code.parse().unwrap(), 2, &mut found);
    let expected = [
        "Config", "accounts", "batch", "geo", "http", "keys", "lobby",
    ];
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
}

/// What each room under `src` uses.
fn arrows_of(src: &Path) -> Arrows {
    let mut arrows = Arrows::new();
    for file in files(src) {
        let place = file.strip_prefix(src).unwrap().with_extension("");
        let mut module: Vec<_> = place.iter().map(|part| part.to_str().unwrap()).collect();
        if module.last() == Some(&"mod") {
            module.pop();
        }
        let (room, is_test) = (module[0], module.last().unwrap().ends_with("tests"));
        if room == "lib" || is_test {
            continue;
        }
        let code = fs::read_to_string(&file).unwrap();
        // The program reaches its own library by name.
        let code = code.replace("galaxy_api::", "crate::");
        let mut used = BTreeSet::new();
        collect(code.parse().unwrap(), module.len(), &mut used);
        let used = used.into_iter().map(|name| room_of(&name));
        let entry = arrows.entry(room.to_owned()).or_default();
        entry.extend(used.filter(|used| used != room));
    }
    arrows
}

fn room_of(name: &str) -> String {
    let re_export = RE_EXPORTS.iter().find(|(exported, _)| *exported == name);
    re_export.map_or(name, |(_, room)| room).to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Collects the first name of each path from the crate's root, in the code of a module that lies `depth` below the root.
fn collect(code: TokenStream, depth: usize, found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at += item_length(&tokens[at..]);
            continue;
        }
        let starts_path = at == 0 || !is_punct(&tokens[at - 1], ':');
        match &tokens[at] {
            TokenTree::Ident(name) if starts_path && name == "crate" => {
                first_names(&tokens[at + 1..], 0, found);
            }
            TokenTree::Ident(name) if starts_path && name == "super" => {
                first_names(&tokens[at + 1..], depth - 1, found);
            }
            TokenTree::Group(group) => collect(group.stream(), depth, found),
            _ => {}
        }
        at += 1;
    }
}

/// Follows a path, of which `rest` is what comes after `crate` or `super`, at a module `depth` below the root.
fn first_names(rest: &[TokenTree], depth: usize, found: &mut BTreeSet<String>) {
    let [first, second, next, after @ ..] = rest else {
        return;
    };
    if !is_punct(first, ':') || !is_punct(second, ':') {
        return;
    }
    follow(next, after, depth, found);
}

fn follow(next: &TokenTree, after: &[TokenTree], depth: usize, found: &mut BTreeSet<String>) {
    match next {
        TokenTree::Ident(name) if name == "super" => {
            first_names(after, depth.saturating_sub(1), found);
        }
        TokenTree::Ident(name) if depth == 0 => {
            found.insert(name.to_string());
        }
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            for branch in tokens.split(|token| is_punct(token, ',')) {
                if let [next, after @ ..] = branch {
                    follow(next, after, depth, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether `#[cfg(test)]` comes next.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let [first, TokenTree::Group(attribute), ..] = tokens else {
        return false;
    };
    is_punct(first, '#') && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// How many tokens an item has, attributes included: up to its semicolon or its braces.
fn item_length(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| {
        let braces =
            matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        braces || is_punct(token, ';')
    };
    let end = tokens.iter().position(ends);
    end.map_or(tokens.len(), |end| end + 1)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
