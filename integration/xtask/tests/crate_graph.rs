//! Which crate may depend on which: `core` ← `service` ← `store` ← `events` ← domain crates ← services, and
//! `core` ← `service` ← `http` ← services. Services never depend on each other.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each crate of the workspace by name, with its folder and the workspace crates it is built with.
fn graph() -> BTreeMap<String, (String, Vec<String>)> {
    let metadata = metadata();
    let root = metadata["workspace_root"].as_str().unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let manifest = package["manifest_path"].as_str().unwrap();
            let folder = manifest
                .strip_prefix(root)
                .unwrap()
                .trim_start_matches('/')
                .to_owned();
            let uses = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].is_null() && !dependency["path"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), (folder, uses))
        })
        .collect()
}

/// Each crate with the crates of the workspace that it is built with, from bottom to top. A crate uses only crates above
/// it in this list.
const CRATES: &[(&str, &[&str])] = &[
    ("galaxy-proto", &[]),
    ("galaxy-http-client", &[]),
    ("galaxy-core", &[]),
    ("galaxy-service", &["core"]),
    ("galaxy-http", &["core", "service"]),
    ("galaxy-store", &["core", "service"]),
    ("galaxy-events", &["core", "proto", "service", "store"]),
    ("galaxy-testkit", &["core", "events", "service", "store"]),
    ("galaxy-mail", &["core", "service", "store"]),
    (
        "galaxy-notifications",
        &["core", "events", "mail", "service", "store"],
    ),
    (
        "galaxy-runtime",
        &["core", "events", "http-client", "service", "store"],
    ),
    ("galaxy-drivers", &["core", "service"]),
    (
        "galaxy-api",
        &[
            "core",
            "events",
            "http",
            "mail",
            "notifications",
            "proto",
            "runtime",
            "service",
            "store",
        ],
    ),
    (
        "galaxy-gateway",
        &["core", "events", "http", "http-client", "proto", "service"],
    ),
    (
        "galaxy-mailer",
        &["core", "events", "http", "mail", "service", "store"],
    ),
    (
        "galaxy-notifier",
        &[
            "core",
            "events",
            "http",
            "notifications",
            "service",
            "store",
        ],
    ),
    (
        "galaxy-push-hub",
        &["core", "events", "http", "proto", "service"],
    ),
    (
        "galaxy-runtime-manager",
        &[
            "core", "drivers", "events", "http", "runtime", "service", "store",
        ],
    ),
    ("galaxy-engine", &[]),
    ("galaxy-engine-check", &["http-client"]),
    ("galaxy-client", &["core", "http-client", "proto"]),
    ("galaxy-stack", &["core", "http-client"]),
    ("galaxy-scenarios", &["client", "http-client", "stack"]),
    (
        "galaxy-bench",
        &[
            "api",
            "core",
            "drivers",
            "events",
            "http",
            "http-client",
            "runtime",
            "runtime-manager",
            "scenarios",
            "service",
            "stack",
            "store",
        ],
    ),
    ("xtask", &["engine-check", "scenarios", "stack"]),
];

#[test]
fn every_dependency_is_in_the_table_and_every_entry_of_the_table_is_used() {
    let graph = graph();
    let known: BTreeSet<&str> = CRATES.iter().map(|(name, _)| *name).collect();
    let seen: BTreeSet<&str> = graph.keys().map(String::as_str).collect();
    assert_eq!(seen, known, "the crates of the workspace and of the table");
    for (name, may_use) in CRATES {
        let may_use: BTreeSet<String> = may_use
            .iter()
            .map(|used| format!("galaxy-{used}"))
            .collect();
        let uses: BTreeSet<String> = graph[*name].1.iter().cloned().collect();
        assert_eq!(
            uses, may_use,
            "what {name} is built with, and what the table says"
        );
    }
}

#[test]
fn a_crate_uses_only_crates_above_it_in_the_table() {
    let place = |name: &str| CRATES.iter().position(|(other, _)| *other == name);
    for (name, uses) in CRATES {
        for used in *uses {
            let used = format!("galaxy-{used}");
            assert!(place(&used) < place(name), "{used} is not above {name}");
        }
    }
}

#[test]
fn services_depend_on_shared_crates_only_and_shared_crates_on_no_service() {
    let graph = graph();
    for (name, (folder, uses)) in &graph {
        for used in uses {
            let used_folder = &graph[used].0;
            let allowed = folder.starts_with("integration/")
                || used_folder.starts_with("shared/")
                || used_folder.starts_with("proto/")
                // A part of the service that is a crate of its own.
                || used_folder.starts_with(&*folder.replace("Cargo.toml", ""));
            assert!(
                allowed,
                "{name} ({folder}) must not depend on {used} ({used_folder})"
            );
        }
    }
}

#[test]
fn nothing_but_tests_uses_the_testkit() {
    for (name, (_, uses)) in graph() {
        assert!(
            !uses.contains(&"galaxy-testkit".to_owned()),
            "{name} is built with the testkit"
        );
    }
}

/// The crates that are built with `dependency`; those that only test with it do not count.
fn built_with(metadata: &Value, dependency: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().unwrap().iter();
    let users = packages.filter(|package| {
        let dependencies = package["dependencies"].as_array().unwrap();
        dependencies
            .iter()
            .any(|used| used["kind"].is_null() && used["name"] == dependency)
    });
    users
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_only_one_part_may_know_is_known_to_that_part_only() {
    let metadata = metadata();
    let owners_of_tables = [
        "galaxy-events",
        "galaxy-mail",
        "galaxy-notifications",
        "galaxy-runtime",
        "galaxy-api",
    ];
    let pool_and_types = ["galaxy-core", "galaxy-store"];
    let tools = ["galaxy-testkit", "galaxy-stack", "galaxy-bench"];
    let sql = [&owners_of_tables[..], &pool_and_types, &tools].concat();
    let rules: [(&str, &[&str]); 5] = [
        ("sqlx", &sql),
        (
            "async-nats",
            &["galaxy-events", "galaxy-gateway", "galaxy-bench"],
        ),
        ("lettre", &["galaxy-mailer"]),
        ("bollard", &["galaxy-drivers"]),
        ("kube", &["galaxy-drivers"]),
    ];
    for (dependency, may) in rules {
        for user in built_with(&metadata, dependency) {
            assert!(
                may.contains(&user.as_str()),
                "{user} must not depend on {dependency}"
            );
        }
    }
}
