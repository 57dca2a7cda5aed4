//! The faulty engine does what it is asked to, so that tests of the platform can rely on it.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    process::{Process, command_of, wait_for},
    world::{TempDir, init_body},
};

const TURN: &str = "/api/v1/admin/turn";
const STATUS: &str = "/api/v1/admin/status";

fn ask_for(dir: &Path, faults: &Value) {
    let state = dir.join("state");
    fs::create_dir_all(&state).unwrap();
    // Whole or not at all: an engine that runs reads it with each call.
    fs::write(state.join("faults.part"), faults.to_string()).unwrap();
    fs::rename(state.join("faults.part"), state.join("faults.json")).unwrap();
}

fn command(dir: &Path) -> Command {
    command_of(env!("CARGO_BIN_EXE_faulty-engine"), dir)
}

fn started(dir: &Path, faults: &Value) -> Process {
    ask_for(dir, faults);
    let engine = Process::of(command(dir), dir);
    let (_, body) = engine
        .call("POST", "/api/v1/admin/init", &init_body())
        .unwrap();
    assert_eq!(body["turn"], 0);
    engine
}

fn turn(engine: &Process, expected: u32) -> std::io::Result<(u16, Value)> {
    engine.call("PUT", TURN, &json!({"expected_turn": expected}))
}

fn current(engine: &Process) -> Value {
    engine.call("GET", STATUS, &Value::Null).unwrap().1["turn"].clone()
}

#[test]
fn a_rule_spoils_the_calls_it_names_and_no_more() {
    let dir = TempDir::new();
    let answer = json!({"answer": {"status": 500, "body": "{}"}});
    let faults = json!({"calls": [{"on": "turn", "times": 2, "fault": answer}]});
    let engine = started(&dir.0, &faults);
    for _ in 0..2 {
        assert_eq!(turn(&engine, 1).unwrap().0, 500);
    }
    assert_eq!(turn(&engine, 1).unwrap().0, 200);
    assert_eq!(current(&engine), 1);
}

#[test]
fn the_faults_can_change_while_the_engine_runs() {
    let dir = TempDir::new();
    let engine = started(&dir.0, &json!({}));
    assert_eq!(turn(&engine, 1).unwrap().1["turn"], 1);
    ask_for(
        &dir.0,
        &json!({"calls": [{"on": "turn", "fault": {"turns_ahead": 5}}]}),
    );
    assert_eq!(turn(&engine, 2).unwrap().1["turn"], 7);
    ask_for(
        &dir.0,
        &json!({"calls": [{"on": "status", "fault": {"roster": "missing"}}]}),
    );
    let (_, status) = engine.call("GET", STATUS, &Value::Null).unwrap();
    assert_eq!(status["players"].as_array().unwrap().len(), 2);
    assert_eq!(status["turn"], 2);
}

#[test]
fn an_answer_can_be_lost_before_and_after_the_turn() {
    let dir = TempDir::new();
    let rule = |fault: &str| json!({"calls": [{"on": "turn", "fault": fault}]});
    let engine = started(&dir.0, &rule("cut"));
    turn(&engine, 1).unwrap_err();
    assert_eq!(current(&engine), 0);
    ask_for(&dir.0, &rule("cut_after"));
    turn(&engine, 1).unwrap_err();
    assert_eq!(current(&engine), 1);
}

#[test]
fn a_promised_turn_never_comes() {
    let dir = TempDir::new();
    let faults = json!({"calls": [{"on": "turn", "fault": "generating"}]});
    let engine = started(&dir.0, &faults);
    let (status, promise) = turn(&engine, 1).unwrap();
    assert_eq!((status, &promise["generating"]), (202, &json!(true)));
    assert_eq!(current(&engine), 0);
}

#[test]
fn a_process_ends_with_the_code_that_is_asked_for() {
    let dir = TempDir::new();
    let ends = |faults: &Value| {
        ask_for(&dir.0, faults);
        let mut child = command(&dir.0).spawn().unwrap();
        let ended = wait_for("end", || child.try_wait().unwrap());
        ended.code()
    };
    assert_eq!(
        ends(&json!({"start": {"exit": {"after_ms": 10, "code": 3}}})),
        Some(3)
    );
    assert_eq!(ends(&json!({"calls": [{"on": "turns"}]})), Some(64));
}

#[test]
fn a_stubborn_engine_and_its_children_stay() {
    let dir = TempDir::new();
    let faults = json!({"start": {"ignore_sigterm": true, "children": 2}});
    let mut engine = started(&dir.0, &faults);
    let pid = engine.child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(sent.unwrap().success());
    // The engine has had its signal once it answers after it.
    assert_eq!(turn(&engine, 1).unwrap().0, 200);
    assert_eq!(engine.child.try_wait().unwrap(), None);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let children: Vec<&str> = children.split_whitespace().collect();
    assert_eq!(children.len(), 2);
    let killed = Command::new("kill")
        .args(["-s", "KILL"])
        .args(children)
        .status();
    assert!(killed.unwrap().success());
}
