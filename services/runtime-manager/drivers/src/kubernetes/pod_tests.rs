use serde_json::{Value, json};

use super::*;

fn pod(status: &Value) -> SeenPod {
    let pod = json!({
        "metadata": { "uid": "u", "labels": { "galaxy.epoch": "3" } },
        "status": status,
    });
    SeenPod::new(&serde_json::from_value(pod).unwrap())
}

fn container(restarts: u32, state: &Value, last: &Value) -> SeenPod {
    pod(&json!({ "phase": "Running", "containerStatuses": [
        { "name": "other", "image": "o", "imageID": "", "ready": true, "restartCount": 0 },
        {
            "name": "engine", "image": "e", "imageID": "", "ready": true, "restartCount": restarts,
            "state": state, "lastState": last,
        },
    ] }))
}

fn terminated(code: i32, reason: &str) -> Value {
    json!({ "terminated": {
        "exitCode": code, "reason": reason, "finishedAt": "2026-01-01T00:00:00Z",
    } })
}

fn exit(code: Option<i32>, oom: bool) -> Exit {
    let at = code.map(|_| "2026-01-01T00:00:00Z".parse().unwrap());
    Exit {
        epoch: 3,
        code,
        oom,
        at,
    }
}

#[test]
fn an_engine_runs_if_its_container_does_for_the_first_time() {
    let running = json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } });
    assert_eq!(container(0, &running, &json!({})).phase, Phase::Running);
    let again = container(1, &running, &terminated(7, "Error"));
    assert_eq!(
        again.phase,
        Phase::Ended {
            exit: exit(Some(7), false),
            again: true
        }
    );
}

#[test]
fn an_end_is_seen_whether_the_cluster_has_started_the_container_again_or_not() {
    let now = container(0, &terminated(137, "OOMKilled"), &json!({}));
    assert_eq!(now.exit(), Some(&exit(Some(137), true)));
    let backoff = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    let again = container(2, &backoff, &terminated(1, "Error"));
    assert_eq!(again.exit(), Some(&exit(Some(1), false)));
    let twice = container(1, &terminated(2, "Error"), &terminated(1, "Error"));
    assert_eq!(
        twice.exit(),
        Some(&exit(Some(1), false)),
        "the first counts"
    );
    let evicted = pod(&json!({ "phase": "Failed", "reason": "Evicted" }));
    assert_eq!(evicted.exit(), Some(&exit(None, false)));
}

#[test]
fn what_a_pod_waits_for_is_told() {
    let why = |pod: SeenPod| match pod.phase {
        Phase::Waiting(why) => why,
        other => panic!("{other:?}"),
    };
    let unschedulable = json!({ "phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient memory.",
    }] });
    let text = why(pod(&unschedulable));
    assert!(text.contains("Insufficient memory"), "{text}");
    let scheduled = json!({ "phase": "Pending", "conditions": [
        { "type": "PodScheduled", "status": "True" }
    ] });
    assert!(why(pod(&scheduled)).contains("preparing"));
    assert!(why(pod(&json!({ "phase": "Pending" }))).contains("waits for a node"));
    let creating = json!({ "waiting": { "reason": "ContainerCreating" } });
    assert!(why(container(0, &creating, &json!({}))).contains("pulled"));
    let config = json!({ "waiting": {
        "reason": "CreateContainerConfigError", "message": "secret \u{0}not found",
    } });
    let text = why(container(0, &config, &json!({})));
    assert!(text.ends_with("secret \u{fffd}not found"), "{text:?}");
}

#[test]
fn an_image_that_cannot_be_had_is_no_image() {
    for reason in NO_IMAGE {
        let state = json!({ "waiting": { "reason": reason, "message": "not found" } });
        let seen = container(0, &state, &json!({})).phase;
        assert!(
            matches!(&seen, Phase::NoImage(why) if why.contains("not found")),
            "{seen:?}"
        );
    }
}

#[test]
fn nothing_follows_from_a_pod_that_the_cluster_has_lost() {
    let lost = pod(&json!({ "phase": "Unknown", "message": "node is gone" }));
    assert!(matches!(&lost.phase, Phase::Unknown(why) if why.ends_with("node is gone")));
    assert_eq!(
        (lost.uid.as_str(), lost.epoch, lost.deleting),
        ("u", 3, false)
    );
}
