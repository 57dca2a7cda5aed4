//! The checks against the reference engine, which keeps the contract, and against the faulty one.

#![expect(clippy::unwrap_used, reason = "the helpers are tests as well")]

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use galaxy_engine_check::{Options, Outcome, Report, run};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const TOKEN: &str = "0123456789abcdef";
const LIMIT: Duration = Duration::from_secs(20);

struct Engine {
    child: Child,
    url: String,
    _dir: TempDir,
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Engine {
    fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port_file = dir.path().join("port");
        let mut child = Command::new(program(name))
            .env_clear()
            .env("ENGINE_LISTEN_ADDR", "127.0.0.1:0")
            .env("ENGINE_PORT_FILE", &port_file)
            .env("ENGINE_STATE_DIR", dir.path().join("state"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let address = loop {
            if let Ok(address) = fs::read_to_string(&port_file) {
                break address;
            }
            assert_eq!(child.try_wait().unwrap(), None, "the engine ended");
            assert!(begun.elapsed() < LIMIT, "the engine does not start");
            std::thread::sleep(Duration::from_millis(5));
        };
        Self {
            child,
            url: format!("http://{}", address.trim()),
            _dir: dir,
        }
    }
}

/// A program of the workspace, built beside this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join(name);
    assert!(
        program.is_file(),
        "{} is not there: build it first with `cargo build -p galaxy-engine --bins`",
        program.display()
    );
    program
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.failed().map(|finding| finding.check).collect()
}

fn skipped(report: &Report) -> usize {
    let skipped = |outcome: &Outcome| matches!(outcome, Outcome::Skipped(_));
    report
        .findings()
        .iter()
        .filter(|finding| skipped(&finding.outcome))
        .count()
}

#[tokio::test]
async fn the_reference_engine_keeps_everything() {
    let game_id = Uuid::new_v4();
    let game = game_id.to_string();
    let variables = [("ENGINE_TOKEN", TOKEN), ("ENGINE_GAME_ID", &game)];
    let engine = Engine::start("engine", &variables);
    let twin = Engine::start("engine", &variables);
    let report = run(&Options {
        token: Some(TOKEN.to_owned()),
        game_id,
        twin: Some(twin.url.clone()),
        ..Options::new(&engine.url)
    })
    .await;
    assert_eq!(failed(&report), [""; 0], "{:#?}", report.findings());
    assert_eq!(skipped(&report), 0);
    assert!(report.findings().len() > 40);
}

#[tokio::test]
async fn the_game_is_played_with_the_options_of_the_author() {
    let engine = Engine::start("engine", &[]);
    let checked = |options: Value| {
        let options = options.as_object().unwrap().clone();
        let options = Options {
            options,
            ..Options::new(&engine.url)
        };
        async move { run(&options).await }
    };
    let refused = checked(json!({ "planets_per_race": 99 })).await;
    assert_eq!(failed(&refused), ["init sets the game up at turn 0"]);
    let report = checked(json!({ "planets_per_race": 3 })).await;
    assert_eq!(failed(&report), [""; 0], "{:#?}", report.findings());
    let repeated = "init again without the options changes nothing";
    assert!(
        report
            .findings()
            .iter()
            .any(|finding| finding.check == repeated)
    );
}

#[tokio::test]
async fn an_engine_with_long_turns_and_without_a_token_keeps_what_can_be_checked() {
    let engine = Engine::start("engine", &[("ENGINE_TURN_DELAY", "50ms")]);
    let report = run(&Options::new(&engine.url)).await;
    assert_eq!(failed(&report), [""; 0], "{:#?}", report.findings());
    // Three of the token, one of the game's header, the twin.
    assert_eq!(skipped(&report), 5);
}

#[tokio::test]
async fn an_engine_that_trusts_everybody_is_found_out() {
    let engine = Engine::start("engine", &[]);
    let report = run(&Options {
        token: Some(TOKEN.to_owned()),
        ..Options::new(&engine.url)
    })
    .await;
    let found = failed(&report);
    for check in [
        "a call without a token is refused",
        "a call with another token is refused",
        "a call that names no game is refused",
    ] {
        assert!(found.contains(&check), "{check}: {found:?}");
    }
}

/// What the checks find with these rules of the faulty engine.
async fn with(calls: Value) -> Report {
    let faults = json!({"calls": calls}).to_string();
    let engine = Engine::start("faulty-engine", &[("ENGINE_FAULTS", &faults)]);
    let mut options = Options::new(&engine.url);
    options.long_turn = Duration::from_millis(500);
    run(&options).await
}

#[tokio::test]
async fn each_fault_fails_the_check_that_is_about_it() {
    let answer = |status: u16| json!({"answer": {"status": status, "body": "boom"}});
    let cases = [
        ("healthz", answer(500), "healthz answers without a token"),
        (
            "init",
            json!({"roster": "same_id"}),
            "init sets the game up at turn 0",
        ),
        (
            "init",
            json!({"roster": "renamed"}),
            "init sets the game up at turn 0",
        ),
        (
            "init",
            json!({"turns_ahead": 3}),
            "init sets the game up at turn 0",
        ),
        (
            "status",
            json!({"roster": "missing"}),
            "the status is the same twice",
        ),
        ("turn", json!({"turns_ahead": 3}), "turn 1 is generated"),
        ("turn", json!({"roster": "foreign"}), "turn 1 is generated"),
        ("turn", json!("generating"), "turn 1 is generated"),
        ("report", json!("noise"), "a report is the same twice"),
        ("report", json!("noise"), "a past report does not change"),
        (
            "report",
            json!({"large_bytes": 9_000_000}),
            "every player has a report of turn 0",
        ),
        (
            "report",
            json!({"merge": {"player_id": "me"}}),
            "every player has a report of turn 0",
        ),
        ("order", json!("cut"), "orders can be given twice"),
        ("command", answer(302), "commands can be given twice"),
        ("banish", answer(204), "a race is banished, and again"),
    ];
    for (on, fault, check) in cases {
        let report = with(json!([{"on": on, "fault": fault}])).await;
        let found = failed(&report);
        assert!(found.contains(&check), "{on} {fault}: {found:?}");
    }
}

#[tokio::test]
async fn a_turn_that_fails_in_the_background_is_told_with_its_reason() {
    let failing = json!({"turn_failed": "a black hole"});
    let rules = json!([{"on": "turn", "fault": failing}, {"on": "status", "fault": failing}]);
    let report = with(rules).await;
    let turn = report
        .failed()
        .find(|finding| finding.check == "turn 1 is generated")
        .unwrap();
    assert!(turn.to_string().contains("a black hole"), "{turn}");
}

#[tokio::test]
async fn an_engine_that_is_not_there_or_not_fresh_is_not_checked_further() {
    let report = run(&Options::new("http://127.0.0.1:1")).await;
    assert_eq!((failed(&report).len(), skipped(&report)), (2, 1));
    let engine = Engine::start("engine", &[]);
    run(&Options::new(&engine.url)).await;
    let mut again = Options::new(&engine.url);
    again.game_id = Uuid::nil();
    let report = run(&again).await;
    assert_eq!((failed(&report).len(), skipped(&report)), (1, 1));
}
