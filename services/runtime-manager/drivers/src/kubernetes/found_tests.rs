use std::time::Duration;

use super::*;

fn names() -> Names {
    Names::new("d", "engines", "cluster.local")
}

fn game() -> GameId {
    GameId::from(uuid::Uuid::nil())
}

fn claim(epoch: i64) -> Claim {
    Claim {
        uid: "c".to_owned(),
        version: "1".to_owned(),
        epoch,
        deleting: false,
    }
}

fn set(epoch: i64) -> Set {
    Set {
        uid: "s".to_owned(),
        version: "2".to_owned(),
        tags: Some(Tags {
            epoch,
            version: "1".to_owned(),
            digest: "sha256:aa".to_owned(),
        }),
        awake: true,
        started: true,
        exit: None,
        deleting: false,
    }
}

fn pod(epoch: i64) -> SeenPod {
    SeenPod {
        uid: "p".to_owned(),
        epoch,
        deleting: false,
        phase: Phase::Running,
    }
}

fn exit() -> Exit {
    Exit {
        epoch: 3,
        code: Some(7),
        oom: false,
        at: Some("2026-01-01T00:00:00Z".parse().unwrap()),
    }
}

fn running() -> Found {
    Found {
        claim: Some(claim(3)),
        set: Some(set(3)),
        pod: Some(pod(3)),
    }
}

fn with_set(change: impl FnOnce(&mut Set)) -> Found {
    let mut found = running();
    change(found.set.as_mut().unwrap());
    found
}

fn ended() -> SeenPod {
    SeenPod {
        phase: Phase::Ended {
            exit: exit(),
            again: true,
        },
        ..pod(3)
    }
}

fn spec(epoch: i64, version: &str, digest: &str) -> EngineSpec {
    EngineSpec {
        game: game(),
        epoch,
        image: "image".to_owned(),
        digest: digest.to_owned(),
        version: version.to_owned(),
        resources: crate::Resources::default(),
        token: None,
        environment: Vec::new(),
        log_limit: 0,
        grace: Duration::ZERO,
    }
}

fn sight(found: &Found) -> Sight {
    found.sight(game(), &names())
}

#[test]
fn an_engine_runs_where_its_service_is_and_nowhere_else() {
    let Sight::Running(instance) = sight(&running()) else {
        panic!("it runs");
    };
    let host = names().host(game());
    assert_eq!(instance.endpoint.to_string(), format!("http://{host}:8080"));
    assert!(host.ends_with(".engines.svc.cluster.local"));
    assert_eq!(
        (instance.container_id.as_str(), instance.epoch),
        ("p", 3),
        "another pod is another run"
    );
    assert_eq!(instance.digest, "sha256:aa");
}

#[test]
fn what_is_left_of_a_game_is_seen() {
    let mut found = Found::default();
    assert_eq!(sight(&found), Sight::Absent);
    found.claim = Some(claim(3));
    assert_eq!(sight(&found), Sight::StateOnly);
    found.claim.as_mut().unwrap().deleting = true;
    assert_eq!(sight(&found), Sight::Absent, "it is as good as gone");
    found.pod = Some(pod(3));
    assert!(matches!(sight(&found), Sight::Pending { epoch: 3, .. }));
}

#[test]
fn an_end_is_told_once_it_is_noted_and_its_pod_is_gone() {
    let mut found = with_set(|set| {
        set.exit = Some(exit());
        set.awake = false;
    });
    found.pod = Some(ended());
    assert!(matches!(sight(&found), Sight::Pending { epoch: 3, .. }));
    found.pod = None;
    assert_eq!(sight(&found), Sight::Exited(exit()));
}

#[test]
fn what_comes_or_goes_is_pending_and_what_is_foreign_or_lost_unknown() {
    let waiting = SeenPod {
        phase: Phase::Waiting("a node".to_owned()),
        ..pod(3)
    };
    let deleting = SeenPod {
        deleting: true,
        ..pod(3)
    };
    let with_pod = |pod| Found { pod, ..running() };
    for found in [
        with_set(|set| set.started = false),
        with_set(|set| set.awake = false),
        with_set(|set| set.deleting = true),
        with_pod(None),
        with_pod(Some(waiting)),
        with_pod(Some(deleting)),
        with_pod(Some(ended())),
    ] {
        let seen = sight(&found);
        assert!(matches!(seen, Sight::Pending { epoch: 3, .. }), "{seen:?}");
    }
    let lost = SeenPod {
        phase: Phase::Unknown("the node".to_owned()),
        ..pod(3)
    };
    for found in [with_set(|set| set.tags = None), with_pod(Some(lost))] {
        assert!(matches!(sight(&found), Sight::Unknown(_)), "{found:?}");
    }
}

#[test]
fn an_end_is_noted_before_it_is_told() {
    let unnoted = |set: fn(&mut Set), pod| {
        let found = Found {
            pod,
            ..with_set(set)
        };
        found.unnoted()
    };
    let seen = Some(Unnoted::Seen(exit()));
    assert_eq!(unnoted(|_| (), Some(ended())), seen);
    assert_eq!(unnoted(|set| set.awake = false, Some(ended())), seen);
    assert_eq!(
        unnoted(|set| set.awake = false, None),
        Some(Unnoted::Missed)
    );
    assert_eq!(unnoted(|_| (), Some(pod(3))), None, "it runs");
    assert_eq!(unnoted(|_| (), None), None, "its pod comes");
    assert_eq!(unnoted(|set| set.exit = Some(exit()), Some(ended())), None);
    assert_eq!(unnoted(|set| set.tags = None, Some(ended())), None);
    let moved = SeenPod {
        deleting: true,
        ..ended()
    };
    assert_eq!(unnoted(|_| (), Some(moved)), None, "a node is drained");
}

#[test]
fn a_note_is_read_as_it_was_written() {
    let read = |text: &str| {
        let annotations = [(EXIT.to_owned(), text.to_owned())].into();
        let meta = ObjectMeta {
            annotations: Some(annotations),
            ..ObjectMeta::default()
        };
        noted(&meta, 3)
    };
    assert_eq!(read(&note(&exit())), Some(exit()));
    let unread = read("garbage").unwrap();
    assert_eq!(
        (unread.epoch, unread.code),
        (3, None),
        "it ended all the same"
    );
    assert_eq!(read(""), None);
}

#[test]
fn what_is_to_be_done_follows_from_epoch_version_and_digest() {
    let same = || spec(3, "1", "sha256:aa");
    let newer = || spec(4, "1", "sha256:aa");
    let asleep = |pod| Found {
        pod,
        ..with_set(|set| set.awake = false)
    };
    let none = Found::default();
    let unstarted = || Found {
        pod: None,
        ..with_set(|set| {
            set.started = false;
            set.awake = false;
        })
    };
    for (found, spec, step) in [
        (none, same(), Step::Make),
        (unstarted(), same(), Step::Start),
        (unstarted(), newer(), Step::Remove),
        (running(), same(), Step::Keep),
        (asleep(None), same(), Step::Keep),
        (running(), newer(), Step::End),
        (running(), spec(3, "2", "sha256:aa"), Step::End),
        (running(), spec(3, "1", "sha256:bb"), Step::End),
        (asleep(None), newer(), Step::Remove),
        (running(), spec(2, "1", "sha256:aa"), Step::Fenced(3)),
        (with_set(|set| set.tags = None), newer(), Step::Foreign),
    ] {
        assert_eq!(found.step(&spec), step, "{found:?} {spec:?}");
    }
    for found in [
        asleep(Some(pod(3))),
        with_set(|set| set.deleting = true),
        Found {
            set: None,
            ..running()
        },
    ] {
        assert!(matches!(found.step(&newer()), Step::Wait(_)), "{found:?}");
    }
}

#[test]
fn a_claim_fences_after_its_engine_is_gone() {
    let found = Found {
        claim: Some(claim(3)),
        ..Found::default()
    };
    let step = found.step(&spec(2, "1", "sha256:aa"));
    assert_eq!(step, Step::Fenced(3));
    let mut going = found;
    going.claim.as_mut().unwrap().deleting = true;
    assert!(matches!(going.step(&spec(4, "1", "d")), Step::Wait(_)));
}
