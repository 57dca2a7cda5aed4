//! What only the driver `process` must do, for one manager.

use std::{collections::BTreeSet, fs, net::TcpListener};

use galaxy_core::GameId;
use galaxy_drivers::{EngineSpec, Exit, Resolved, Sight};

use crate::{
    harness::{Harness as _, Kind},
    process::{Node, pid},
    scene::{GRACE, Scene, eventually},
};

impl Scene<'_, Node> {
    async fn script(&self, epoch: i64, name: &str, text: &str) -> EngineSpec {
        let image = self.harness.script(name, text);
        let resolved = self.driver.resolve(&image).await.unwrap();
        let Resolved::Ready(digest) = resolved else {
            panic!("programs are not pulled");
        };
        EngineSpec {
            image,
            digest,
            ..self.unresolved(epoch, Kind::Reference)
        }
    }

    fn edit_note(&self, edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
        let file = self.harness.home(self.game).join("engine.json");
        let mut note = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        edit(&mut note);
        fs::write(file, serde_json::to_vec(&note).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn an_engine_gets_the_drivers_variables_and_those_of_the_spec_alone() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let mut spec = scene.spec(4, Kind::Reference).await;
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    spec.environment = vec![variable("EXTRA", "x=y"), variable("ENGINE_EPOCH", "99")];
    let instance = scene.run(&spec).await;
    let environment = fs::read(format!("/proc/{}/environ", pid(&instance).as_raw_nonzero()));
    let environment = String::from_utf8(environment.unwrap()).unwrap();
    let home = node.home(scene.game).canonicalize().unwrap();
    let expected = [
        "ENGINE_LISTEN_ADDR=127.0.0.1:0".to_owned(),
        format!("ENGINE_STATE_DIR={}", home.join("state").display()),
        format!("ENGINE_PORT_FILE={}", home.join("port").display()),
        format!("ENGINE_TOKEN={}", crate::scene::TOKEN),
        format!("ENGINE_GAME_ID={}", scene.game),
        "ENGINE_EPOCH=4".to_owned(),
        "EXTRA=x=y".to_owned(),
    ];
    let given: BTreeSet<&str> = environment.split_terminator('\0').collect();
    assert_eq!(given, expected.iter().map(String::as_str).collect());
}

#[tokio::test]
async fn an_engine_whose_note_was_lost_is_found() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let instance = scene.run_reference(2).await;
    fs::remove_file(node.home(scene.game).join("engine.json")).unwrap();
    let Sight::Running(found) = scene.observe().await else {
        panic!("it runs");
    };
    assert_eq!(found.container_id, instance.container_id);
    assert_eq!(found.epoch, 2);
    assert_eq!(scene.list().await.engines.len(), 1);
    scene.run_reference(3).await;
    assert_eq!(node.running(scene.game).await.engines, 1);
}

#[tokio::test]
async fn an_engine_whose_manager_died_before_it_noted_the_process_is_found() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let instance = scene.run_reference(1).await;
    scene.edit_note(|note| {
        for field in ["pid", "started", "boot"] {
            note.remove(field).unwrap();
        }
    });
    assert_eq!(scene.observe().await, Sight::Running(instance.clone()));
    assert_eq!(scene.run_reference(1).await, instance);
}

#[tokio::test]
async fn an_engine_that_was_noted_but_never_started_is_started() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    scene.run_reference(1).await;
    scene.sleep(1, GRACE).await;
    scene.edit_note(|note| {
        for field in ["pid", "started", "boot", "exit", "kill_at"] {
            note.remove(field).unwrap();
        }
    });
    assert_eq!(scene.observe().await, Sight::StateOnly);
    scene.run_reference(1).await;
}

#[tokio::test]
async fn a_pid_of_another_boot_or_another_start_is_no_engine() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let instance = scene.run_reference(1).await;
    let file = node.home(scene.game).join("engine.json");
    let right = fs::read(&file).unwrap();
    for (field, value) in [("boot", "another".into()), ("started", 1.into())] {
        fs::write(&file, &right).unwrap();
        scene.edit_note(|note| drop(note.insert(field.to_owned(), value)));
        let sight = scene.observe().await;
        let ended = matches!(sight, Sight::Exited(Exit { code: None, .. }));
        assert!(ended, "{field}: {sight:?}");
    }
    assert!(rustix::process::test_kill_process(pid(&instance)).is_ok());
}

#[tokio::test]
async fn a_directory_that_is_swapped_or_empty_proves_no_absence() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let instance = scene.run_reference(1).await;
    let spec = scene.spec(2, Kind::Reference).await;
    let (root, aside) = (node.root(), node.root().with_extension("aside"));
    fs::rename(&root, &aside).unwrap();
    for made in [false, true] {
        if made {
            fs::create_dir(&root).unwrap();
        }
        let listing = scene.list().await;
        assert!(!listing.complete && listing.engines.is_empty());
        let observed = scene.driver.observe(scene.game).await;
        assert!(observed.is_err_and(|error| error.is_outage()));
        let applied = scene.driver.apply(&spec).await;
        assert!(applied.is_err_and(|error| error.is_outage()));
    }
    fs::remove_dir(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    let listing = scene.list().await;
    assert_eq!(listing.engines, [(scene.game, Sight::Running(instance))]);
    assert!(listing.complete);
}

#[tokio::test]
async fn a_game_that_cannot_be_read_makes_a_listing_incomplete() {
    let node = Node::new();
    let mut scene = Scene::new(&node).await;
    scene.run_reference(1).await;
    let readable = scene.game;
    scene.game = GameId::generate();
    let home = node.home(scene.game);
    fs::create_dir_all(home.join("state")).unwrap();
    fs::write(home.join("engine.json"), "{").unwrap();
    let listing = scene.list().await;
    assert!(!listing.complete);
    assert_eq!(listing.engines.len(), 2);
    for (game, sight) in listing.engines {
        assert_eq!(
            matches!(sight, Sight::Unknown(_)),
            game != readable,
            "{sight:?}"
        );
    }
}

#[tokio::test]
async fn a_port_of_another_process_is_not_taken_for_the_engines() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = other.local_addr().unwrap();
    for (epoch, address, why) in [
        (1, other.to_string(), "another process's"),
        (2, "127.0.0.1:1".to_owned(), "does not listen"),
        (3, "10.0.0.1:80".to_owned(), "not 127.0.0.1"),
    ] {
        let text = format!("echo {address} >\"$ENGINE_PORT_FILE\"\nexec sleep 600");
        let spec = scene.script(epoch, &format!("lies{epoch}"), &text).await;
        eventually(why, async || {
            match scene.driver.apply(&spec).await.unwrap() {
                Sight::Pending { why: seen, .. } => seen.contains(why).then_some(()),
                sight => panic!("{sight:?}"),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_log_is_kept_short_while_the_engine_runs() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let text = "yes 'a line of the log' | head -n 20000\necho the end\nexec \"$ENGINE\"";
    let mut spec = scene.script(1, "chatty", text).await;
    spec.log_limit = 10_000;
    scene.run(&spec).await;
    scene.observe().await;
    let log = node.home(scene.game).join("log");
    assert!(fs::metadata(log).unwrap().len() <= 10_000);
    assert!(
        scene
            .log(10, false)
            .await
            .iter()
            .any(|line| line == "the end")
    );
}
