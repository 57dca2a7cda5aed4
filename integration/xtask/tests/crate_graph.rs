//! Who may depend on whom: `core` ← `store`, `events` ← domain crates ← services; services never on each other.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Each crate of the workspace by name, with its folder and the workspace crates it is built with.
fn graph() -> BTreeMap<String, (String, Vec<String>)> {
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
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
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

#[test]
fn services_depend_on_shared_crates_only_and_shared_crates_on_no_service() {
    let graph = graph();
    assert!(graph.len() > 15, "the workspace was read");
    for (name, (folder, uses)) in &graph {
        for used in uses {
            let used_folder = &graph[used].0;
            let allowed = folder.starts_with("integration/")
                || used_folder.starts_with("shared/")
                || used_folder.starts_with("proto/");
            assert!(
                allowed,
                "{name} ({folder}) must not depend on {used} ({used_folder})"
            );
        }
    }
}

#[test]
fn what_everybody_builds_on_builds_on_little() {
    let graph = graph();
    let allowed: [(&str, &[&str]); 5] = [
        ("galaxy-core", &[]),
        ("galaxy-proto", &[]),
        ("galaxy-service", &["galaxy-core"]),
        ("galaxy-store", &["galaxy-core", "galaxy-service"]),
        (
            "galaxy-events",
            &[
                "galaxy-core",
                "galaxy-service",
                "galaxy-store",
                "galaxy-proto",
            ],
        ),
    ];
    for (name, may_use) in allowed {
        for used in &graph[name].1 {
            assert!(
                may_use.contains(&used.as_str()),
                "{name} must not depend on {used}"
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
