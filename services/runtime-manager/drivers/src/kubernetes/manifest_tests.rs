use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;

fn spec() -> EngineSpec {
    EngineSpec {
        game: GameId::generate(),
        epoch: 3,
        image: "registry.example/engine:1".to_owned(),
        digest: "sha256:aa".to_owned(),
        version: "1.0.0+build".to_owned(),
        resources: Resources::default(),
        token: Some(SecretString::from("a token of the tests")),
        environment: vec![("EXTRA".to_owned(), "x=y".to_owned())],
        log_limit: 1 << 20,
        grace: Duration::from_millis(300),
    }
}

fn config() -> KubernetesConfig {
    KubernetesConfig::new("d", "engines")
}

fn names() -> Names {
    Names::new("d", "engines", "cluster.local")
}

fn set_of(spec: &EngineSpec, version: Option<&str>) -> Value {
    let set = set(spec, "e@sha256:aa", &names(), &config(), version);
    serde_json::to_value(set.unwrap()).unwrap()
}

#[test]
fn an_engine_is_held_in() {
    let set = set_of(&spec(), None);
    let pod = &set["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["enableServiceLinks"], false);
    let security = json!({
        "fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch", "runAsGroup": 65532,
        "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" },
    });
    assert_eq!(pod["securityContext"], security);
    let container = &pod["containers"][0];
    let security = json!({
        "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
        "privileged": false, "readOnlyRootFilesystem": true,
    });
    assert_eq!(container["securityContext"], security);
    let limits = json!({ "memory": "256Mi", "cpu": "1000m", "ephemeral-storage": "68157440" });
    assert_eq!(container["resources"]["limits"], limits);
    assert_eq!(container["resources"]["requests"]["memory"], "256Mi");
    for secret in [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "hostUsers",
        "tolerations",
    ] {
        assert_eq!(pod[secret], Value::Null);
    }
}

#[test]
fn a_set_is_made_without_a_pod_and_started_as_it_was_read() {
    let made = set_of(&spec(), None);
    assert_eq!(made["spec"]["replicas"], 0);
    assert_eq!(made["metadata"]["resourceVersion"], Value::Null);
    let started = set_of(&spec(), Some("17"));
    assert_eq!(started["spec"]["replicas"], 1);
    assert_eq!(started["metadata"]["resourceVersion"], "17");
    assert_eq!(started["metadata"]["annotations"][STARTED], "1");
    let labels = &started["spec"]["template"]["metadata"]["labels"];
    let selector = started["spec"]["selector"]["matchLabels"].as_object();
    for (name, value) in selector.unwrap() {
        assert_eq!(&labels[name], value);
    }
    assert_eq!(labels["galaxy.engine_version"], "1.0.0_build");
    let grace = &started["spec"]["template"]["spec"]["terminationGracePeriodSeconds"];
    assert_eq!(grace, 1, "0 would not wait for the processes");
}

#[test]
fn the_token_is_in_the_secret_alone() {
    let spec = spec();
    let owner = owner(spec.game, &names(), "u");
    let secret = secret(&spec, &names(), owner.clone()).unwrap();
    let data = secret.data.unwrap();
    let text = |name: &str| String::from_utf8(data[name].0.clone()).unwrap();
    assert_eq!(text("ENGINE_TOKEN"), "a token of the tests");
    assert_eq!(text("ENGINE_EPOCH"), "3");
    assert_eq!(text("ENGINE_GAME_ID"), spec.game.to_string());
    assert_eq!(text("EXTRA"), "x=y");
    let set = set_of(&spec, Some("1")).to_string();
    assert!(!set.contains("a token") && !set.contains("x=y"), "{set}");
    assert_eq!(secret.metadata.owner_references, Some(vec![owner]));
}

#[test]
fn what_cannot_be_passed_on_as_it_is_is_refused() {
    let names = names();
    let refused = |name: &str, value: &str| {
        let mut spec = spec();
        spec.environment = vec![(name.to_owned(), value.to_owned())];
        let owner = owner(spec.game, &names, "u");
        matches!(secret(&spec, &names, owner), Err(DriverError::Invalid(_)))
    };
    for name in [
        "",
        "A=B",
        "A\0",
        "Ä",
        "1A",
        "..",
        "ENGINE_TOKEN",
        "ENGINE_EPOCH",
    ] {
        assert!(refused(name, "x"), "{name:?}");
    }
    assert!(refused("A", "\0"));
    assert!(!refused("A_1", "any\nthing"));
    let mut spec = spec();
    spec.resources.pids = 0;
    let unlimited = set(&spec, "e", &names, &config(), None);
    assert!(matches!(unlimited, Err(DriverError::Invalid(_))));
}

#[test]
fn a_claim_belongs_to_nothing_and_remembers_its_epoch() {
    let (game, names) = (GameId::generate(), names());
    let config = KubernetesConfig {
        storage_class: Some("fast".to_owned()),
        ..config()
    };
    let claim = claim(game, 4, &names, &config);
    assert_eq!(claim.metadata.owner_references, None);
    assert_eq!(claim.metadata.labels.unwrap()["galaxy.epoch"], "4");
    let spec = serde_json::to_value(claim.spec).unwrap();
    assert_eq!(spec["storageClassName"], "fast");
    assert_eq!(spec["resources"]["requests"]["storage"], "1073741824");
    let later = claim_of_epoch(game, 5, &names, "9");
    assert_eq!(later.metadata.resource_version.as_deref(), Some("9"));
    assert_eq!(later.spec, None, "what was asked for stays");
}

#[test]
fn a_name_leads_to_engines_that_are_not_ready_and_not_to_an_address_of_its_own() {
    let (game, names) = (GameId::generate(), names());
    let service = service(game, &names, owner(game, &names, "u"))
        .spec
        .unwrap();
    assert_eq!(service.cluster_ip.as_deref(), Some("None"));
    assert_eq!(service.publish_not_ready_addresses, Some(true));
    assert_eq!(service.selector, Some(names.selector(game)));
}

#[test]
fn an_image_that_is_known_by_its_digest_is_not_fetched_again() {
    for (policy, image, expected) in [
        (PullPolicy::Missing, "e:1", "IfNotPresent"),
        (PullPolicy::Always, "e:1", "Always"),
        (PullPolicy::Always, "e@sha256:aa", "IfNotPresent"),
        (PullPolicy::Never, "e@sha256:aa", "Never"),
    ] {
        assert_eq!(pull_policy(policy, image), expected);
    }
}
