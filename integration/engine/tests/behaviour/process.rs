//! The real binary: start-up, signals, and a kill in the middle of a game.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::world::{GAME, TempDir, init_body};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Process {
    pub child: Child,
    pub address: String,
}

impl Process {
    fn start(dir: &Path) -> Self {
        Self::of(command(dir), dir)
    }

    /// Runs a command of [`command`] until it says where it listens.
    pub fn of(mut command: Command, dir: &Path) -> Self {
        let port_file = dir.join("port");
        let _ = fs::remove_file(&port_file);
        let mut child = command.arg("--port-file").arg(&port_file).spawn().unwrap();
        let address = wait_for("the port file", || {
            assert_eq!(child.try_wait().unwrap(), None, "the engine ended");
            fs::read_to_string(&port_file).ok()
        });
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    /// Status and body; an error if the engine is gone.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, Value)> {
        call(&self.address, method, path, body)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn call(address: &str, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| serde_json::from_str(body));
    match (status, body) {
        (Some(status), Some(Ok(body))) => Ok((status, body)),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(dir: &Path) -> Command {
    command_of(env!("CARGO_BIN_EXE_engine"), dir)
}

/// A program with its state in the directory.
pub fn command_of(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--listen", "127.0.0.1:0", "--state-dir"])
        .arg(dir.join("state"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    fs::create_dir_all(dir).unwrap();
    command
}

pub fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs an engine that is expected to end by itself.
fn run(command: &mut Command) -> Output {
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut engine = Process {
        child,
        address: String::new(),
    };
    wait_for("end of an engine that must not start", || {
        engine.child.try_wait().unwrap()
    });
    let mut stderr = Vec::new();
    engine
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut stderr)
        .unwrap();
    Output {
        status: engine.child.wait().unwrap(),
        stdout: Vec::new(),
        stderr,
    }
}

fn complains(output: &Output, about: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains(about), "{text}");
}

#[test]
fn a_killed_engine_goes_on_where_it_was() {
    let dir = TempDir::new();
    let engine = Process::start(&dir.0);
    let (_, first) = engine
        .call("POST", "/api/v1/admin/init", &init_body())
        .unwrap();
    let player = first["players"][0]["player_id"].as_str().unwrap();
    let planet = |view: &Value| {
        let planets = view["planets"].as_array().unwrap().clone();
        planets
            .into_iter()
            .find(|planet| planet["visibility"] == "own")
            .unwrap()["planet"]
            .clone()
    };
    let view = |engine: &Process, turn: u64| {
        let path = format!("/api/v1/report?player_id={player}&turn={turn}");
        engine.call("GET", &path, &Value::Null).unwrap().1
    };
    let home = planet(&view(&engine, 0));
    let command = json!({"type": "set_production", "planet": home, "production": "population"});
    engine
        .call("PUT", "/api/v1/admin/turn", &json!({"expected_turn": 1}))
        .unwrap();
    engine
        .call(
            "PUT",
            "/api/v1/command",
            &json!({"player_id": player, "commands": [command]}),
        )
        .unwrap();
    engine
        .call(
            "PUT",
            "/api/v1/order",
            &json!({"player_id": player, "orders": [command]}),
        )
        .unwrap();
    let before = [view(&engine, 0), view(&engine, 1)];
    assert_eq!(before[1]["orders"], json!([command]));
    engine.kill();

    let engine = Process::start(&dir.0);
    assert_eq!([view(&engine, 0), view(&engine, 1)], before);
    let (status, now) = engine
        .call("POST", "/api/v1/admin/init", &init_body())
        .unwrap();
    assert_eq!((status, &now["turn"]), (200, &json!(1)));
}

#[test]
fn kills_at_any_moment_lose_no_acknowledged_turn() {
    let dir = TempDir::new();
    let mut acknowledged = 0;
    for round in 0..6_u64 {
        let engine = Process::start(&dir.0);
        engine
            .call("POST", "/api/v1/admin/init", &init_body())
            .unwrap();
        let (_, now) = engine
            .call("GET", "/api/v1/admin/status", &Value::Null)
            .unwrap();
        let turn = now["turn"].as_u64().unwrap();
        assert!(
            turn == acknowledged || turn == acknowledged + 1,
            "{turn} after {acknowledged}"
        );
        let address = engine.address.clone();
        let player = thread::spawn(move || generate_until_gone(&address, turn));
        // Another moment in each round; which one does not matter.
        thread::sleep(Duration::from_millis(20 + 7 * round));
        engine.kill();
        acknowledged = player.join().unwrap();
    }
    assert!(acknowledged > 0);
}

/// The last turn that was acknowledged.
fn generate_until_gone(address: &str, mut turn: u64) -> u64 {
    loop {
        let next = json!({"expected_turn": turn + 1});
        match call(address, "PUT", "/api/v1/admin/turn", &next) {
            Ok((200, status)) if status["stage"] == "finished" => {
                return status["turn"].as_u64().unwrap();
            }
            Ok((200, _)) => turn += 1,
            Ok((status, body)) => panic!("{status} {body}"),
            Err(_) => return turn,
        }
    }
}

#[test]
fn a_signal_ends_the_engine_cleanly() {
    for name in ["TERM", "INT"] {
        let dir = TempDir::new();
        let mut engine = Process::start(&dir.0);
        let pid = engine.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = wait_for("end", || engine.child.try_wait().unwrap());
        assert!(status.success(), "{name}: {status}");
    }
}

#[test]
fn variables_are_enough_and_the_engine_tells_its_health() {
    let dir = TempDir::new();
    fs::create_dir_all(&dir.0).unwrap();
    let port_file = dir.0.join("port");
    let engine = |verb: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command
            .args(verb)
            .env_clear()
            .env("ENGINE_LISTEN_ADDR", "0.0.0.0:0")
            .env("ENGINE_PORT_FILE", &port_file)
            .env("ENGINE_STATE_DIR", dir.0.join("state"))
            .env("ENGINE_TOKEN", "0123456789abcdef")
            .env("ENGINE_GAME_ID", GAME)
            .env("ENGINE_EPOCH", "3")
            .stderr(Stdio::null());
        command
    };
    let healthy = || engine(Some("healthcheck")).status().unwrap().success();
    assert!(!healthy());
    let _engine = Process {
        child: engine(None).spawn().unwrap(),
        address: String::new(),
    };
    wait_for("health", || healthy().then_some(()));
    let address = fs::read_to_string(&port_file).unwrap();
    let (status, body) = call(address.trim(), "GET", "/api/v1/admin/status", &Value::Null).unwrap();
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &"unauthenticated".into())
    );
}

#[test]
fn a_stop_does_not_wait_for_a_caller_that_sends_no_more() {
    let dir = TempDir::new();
    let mut engine = Process::start(&dir.0);
    let mut caller = TcpStream::connect(&engine.address).unwrap();
    let half = "PUT /api/v1/admin/turn HTTP/1.1\r\nhost: engine\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    caller.write_all(half.as_bytes()).unwrap();
    // The engine has taken the connection once it answers a later one.
    engine.call("GET", "/healthz", &Value::Null).unwrap();
    let pid = engine.child.id().to_string();
    let begun = Instant::now();
    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(sent.unwrap().success());
    wait_for("end", || engine.child.try_wait().unwrap());
    // One second is what a container engine is told; the rest is for a busy machine.
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn an_engine_does_not_take_the_state_of_another_game() {
    let dir = TempDir::new();
    let engine = Process::start(&dir.0);
    engine
        .call("POST", "/api/v1/admin/init", &init_body())
        .unwrap();
    engine.kill();
    let mut other = command(&dir.0);
    let other = other.args(["--game-id", "00000000-0000-0000-0000-000000000000"]);
    complains(&run(other), "mount the state of that game");
}

#[test]
fn a_second_engine_on_the_same_state_does_not_start() {
    let dir = TempDir::new();
    let _first = Process::start(&dir.0);
    complains(&run(&mut command(&dir.0)), "another engine uses");
}

#[test]
fn start_up_errors_say_what_to_do() {
    let dir = TempDir::new();
    let first = Process::start(&dir.0);
    let other = TempDir::new();
    let mut taken = command(&other.0);
    complains(
        &run(taken.args(["--listen", &first.address])),
        "cannot be used multiple times",
    );
    let mut taken = Command::new(env!("CARGO_BIN_EXE_engine"));
    let taken = taken
        .args(["--listen", &first.address, "--state-dir"])
        .arg(&other.0);
    complains(&run(taken), "cannot listen on");
    complains(
        &run(command(&other.0).args(["--max-turns", "0"])),
        "--max-turns",
    );
    complains(&run(command(&other.0).env("ENGINE_LOG", "loud")), "--log");
    let file = other.0.join("file");
    fs::write(&file, "").unwrap();
    let mut unusable = Command::new(env!("CARGO_BIN_EXE_engine"));
    complains(
        &run(unusable.arg("--state-dir").arg(&file)),
        "choose another one with --state-dir",
    );
}

#[test]
fn the_address_of_an_earlier_run_is_forgotten_before_anything_else() {
    let dir = TempDir::new();
    let port_file = dir.0.join("port");
    let mut failing = command(&dir.0);
    fs::write(&port_file, "127.0.0.1:1").unwrap();
    fs::write(dir.0.join("state"), "no directory").unwrap();
    assert!(
        !run(failing.arg("--port-file").arg(&port_file))
            .status
            .success()
    );
    assert!(!port_file.exists());
}
