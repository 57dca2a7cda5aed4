//! Command line, settings and signals. Signals go to the process of the test itself.

use std::{future::pending, sync::Arc};

use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::Notify;

use super::*;

#[derive(Debug)]
struct Operations(u16);

impl Section for Operations {
    fn read(vars: &mut Vars) -> Option<Self> {
        vars.or("OPS_PORT", "9090", "Port of the operations listener")
            .map(Self)
    }
}

impl Probe for Operations {
    fn ask(&self) -> Result<(), String> {
        match self.0 {
            9090 => Ok(()),
            _ => Err("nats: not connected".to_owned()),
        }
    }
}

#[derive(Debug)]
struct Own(String);

impl Section for Own {
    fn read(vars: &mut Vars) -> Option<Self> {
        let url = vars.required("DATABASE", "Where the database is");
        let _: Option<Duration> = vars.or("PAUSE", "1s", "A pause");
        url.map(Self)
    }
}

fn command(
    set: &'static [(&'static str, &'static str)],
    arguments: &[&str],
) -> Command<Operations, Own> {
    let mut vars = Vars::from_lookup(|name| {
        let found = set.iter().find(|(n, _)| *n == name);
        found.map(|(_, text)| (*text).to_owned())
    });
    read("mailer", "sends mail", &mut vars, arguments)
}

fn refusal(set: &'static [(&'static str, &'static str)], arguments: &[&str]) -> String {
    match command(set, arguments) {
        Command::Refuse(message) => message,
        Command::Answer(text) => panic!("answered {text}"),
        Command::Run(_) | Command::NotReady(_) => panic!("started or asked"),
    }
}

fn answer(set: &'static [(&'static str, &'static str)], arguments: &[&str]) -> String {
    match command(set, arguments) {
        Command::Answer(text) => text,
        Command::Refuse(message) => panic!("refused: {message}"),
        Command::Run(_) | Command::NotReady(_) => panic!("started or not ready"),
    }
}

#[test]
fn without_arguments_the_process_runs_with_the_settings_of_all_sections() {
    let Command::Run(settings) = command(
        &[("DATABASE", "here"), ("BACKEND_SHUTDOWN_TIMEOUT", "3s")],
        &[],
    ) else {
        panic!("not started")
    };
    assert_eq!(settings.common.shutdown_timeout, Duration::from_secs(3));
    assert_eq!(
        (settings.operations.0, settings.own.0),
        (9090, "here".to_owned())
    );
}

#[test]
fn a_health_check_needs_no_setting_but_where_to_ask() {
    assert_eq!(answer(&[], &["healthcheck"]), "mailer is ready\n");
    let Command::NotReady(why) = command(&[("OPS_PORT", "1")], &["healthcheck"]) else {
        panic!("ready")
    };
    assert_eq!(why, "mailer is not ready: nats: not connected");
    let message = refusal(&[("OPS_PORT", "-1")], &["healthcheck"]);
    assert!(message.contains("OPS_PORT"), "{message}");
}

#[test]
fn the_problems_of_all_sections_are_in_one_message() {
    let message = refusal(
        &[
            ("BACKEND_SHUTDOWN_TIMEOUT", "soon"),
            ("BACKEND_LOG_FORMAT", "xml"),
            ("OPS_PORT", "-1"),
            ("PAUSE", "1"),
        ],
        &[],
    );
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(
        lines,
        [
            "mailer: the settings are not right:",
            "  BACKEND_LOG_FORMAT is not json or pretty",
            "  BACKEND_SHUTDOWN_TIMEOUT is not a duration such as 500ms, 20s or 10m",
            "  OPS_PORT is not a whole number",
            "  DATABASE is not set; it must be",
            "  PAUSE is not a duration such as 500ms, 20s or 10m",
        ]
    );
}

#[test]
fn help_lists_every_variable_even_if_settings_are_missing() {
    let help = answer(&[], &["--help"]);
    assert!(help.starts_with("mailer: sends mail\n"));
    for variable in [
        "BACKEND_LOG",
        "BACKEND_SHUTDOWN_TIMEOUT",
        "OPS_PORT",
        "DATABASE",
    ] {
        assert!(help.contains(variable), "{variable}: {help}");
    }
    assert_eq!(answer(&[], &["-h"]), help);
}

#[test]
fn settings_can_be_checked_without_a_start() {
    let text = answer(&[("DATABASE", "here")], &["--check-config"]);
    assert_eq!(text, "mailer: the settings are right\n");
    let message = refusal(&[], &["--check-config"]);
    assert!(message.contains("DATABASE is not set"), "{message}");
}

#[test]
fn an_unknown_argument_is_refused_and_help_is_named() {
    for arguments in [&["--port"][..], &["--help", "me"], &["serve"]] {
        let message = refusal(&[("DATABASE", "here")], arguments);
        assert!(message.contains("mailer --help"), "{message}");
    }
    assert!(answer(&[], &["--version"]).starts_with("mailer "));
}

fn process() -> Process {
    Process {
        name: "test",
        clock: Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    }
}

async fn is_ready(process: &Process) -> bool {
    let checks = process.readiness.check().await;
    checks.iter().all(|check| check.failure.is_none())
}

fn terminate(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

#[tokio::test]
async fn a_started_process_is_ready_and_serves_until_it_is_terminated() {
    let (process, mut signals) = (process(), Signals::new().unwrap());
    let start = async { Ok(()) };
    let mut served = Box::pin(serve_until_signalled(&process, &mut signals, start));
    tokio::select! {
        biased;
        ended = &mut served => panic!("it ended by itself: {ended:?}"),
        () = std::future::ready(()) => {}
    }
    assert!(is_ready(&process).await);
    terminate(Signal::TERM);
    served.await.unwrap();
}

#[tokio::test]
async fn a_process_that_is_terminated_while_it_starts_never_was_ready() {
    let (process, mut signals) = (process(), Signals::new().unwrap());
    let reached = Arc::new(Notify::new());
    let starting = reached.clone();
    let start = async move {
        starting.notify_one();
        pending().await
    };
    let signal = async {
        reached.notified().await;
        assert!(!is_ready(&process).await);
        terminate(Signal::HUP);
    };
    let (ended, ()) = tokio::join!(serve_until_signalled(&process, &mut signals, start), signal);
    ended.unwrap();
    assert!(!is_ready(&process).await);
}

#[tokio::test]
async fn a_failed_start_ends_the_process_with_its_error() {
    let (process, mut signals) = (process(), Signals::new().unwrap());
    let start = async { Err(anyhow::anyhow!("the port is taken")) };
    let served = serve_until_signalled(&process, &mut signals, start);
    assert_eq!(served.await.unwrap_err().to_string(), "the port is taken");
    assert!(!is_ready(&process).await);
}

const DELAY: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn a_draining_process_says_so_and_serves_on_for_the_delay() {
    let (process, mut signals) = (process(), Signals::new().unwrap());
    let began = tokio::time::Instant::now();
    let asked_to_end = process.tasks.draining();
    let observed = async {
        tokio::task::yield_now().await;
        assert!(process.readiness.is_draining() && !asked_to_end.is_cancelled());
        asked_to_end.cancelled().await;
        assert_eq!(began.elapsed(), DELAY);
    };
    let drained = drain(&process, &mut signals, DELAY, Duration::from_secs(20));
    let (drained, ()) = tokio::join!(drained, observed);
    drained.unwrap();
}

#[tokio::test]
async fn a_second_signal_ends_a_process_that_drains() {
    let (process, mut signals) = (process(), Signals::new().unwrap());
    process.tasks.spawn("endless", pending());
    let hour = Duration::from_hours(1);
    let mut drained = Box::pin(drain(&process, &mut signals, Duration::ZERO, hour));
    tokio::select! {
        biased;
        ended = &mut drained => panic!("it ended by itself: {ended:?}"),
        () = std::future::ready(()) => {}
    }
    terminate(Signal::INT);
    let why = drained.await.unwrap_err().to_string();
    assert!(why.starts_with("a second signal"), "{why}");
}
