//! The life of a process: settings → telemetry → operations listener → build → serve → drain.

mod job;

use std::{future::Future, process::ExitCode, time::Duration};

use galaxy_core::Clock;
use prometheus::Registry;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use job::{answer, run_job};

use crate::{
    config::{Section, Vars},
    readiness::Readiness,
    tasks::Tasks,
    telemetry::{Telemetry, TelemetryConfig, lines},
};

/// How long requests to the operations listener may take to finish at the very end.
const OPERATIONS_TIMEOUT: Duration = Duration::from_secs(1);

/// What every process can be called with.
const ARGUMENTS: &str = "\
Without arguments it runs. Besides it takes one of

  healthcheck     ask the running process whether it is ready: exit code 0, or 1 with the reason
  --check-config  check the settings and end
  --help          print this
  --version       print the version";

/// Settings that every process has.
#[derive(Debug, Clone)]
struct CommonConfig {
    telemetry: TelemetryConfig,
    drain_delay: Duration,
    shutdown_timeout: Duration,
}

impl Section for CommonConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let telemetry = TelemetryConfig::read(vars);
        let drain_delay = vars.or(
            "BACKEND_DRAIN_DELAY",
            "0s",
            "How long it still serves after it is asked to end, so that balancers see /readyz say so",
        );
        let shutdown_timeout = vars.or(
            "BACKEND_SHUTDOWN_TIMEOUT",
            "20s",
            "How long work in flight may take to finish at the end",
        );
        Some(Self {
            telemetry: telemetry?,
            drain_delay: drain_delay?,
            shutdown_timeout: shutdown_timeout?,
        })
    }
}

/// What a process is built on. Cheap to clone.
#[derive(Clone)]
pub struct Process {
    /// Its name: `api`, `mailer`, …
    pub name: &'static str,
    /// The time.
    pub clock: Clock,
    /// Its loops, and the token that is cancelled when it drains.
    pub tasks: Tasks,
    /// The conditions under which it is ready.
    pub readiness: Readiness,
}

/// What of a process its probe must know: where to ask.
pub trait Probe {
    /// Asks the process that runs with the same settings whether it is ready; blocks for seconds at most. Err: why it is not.
    fn ask(&self) -> Result<(), String>;
}

impl Process {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            clock: Clock::system(),
            tasks: Tasks::new(),
            readiness: Readiness::default(),
        }
    }
}

/// Runs the process called `name` from start to end, or answers its arguments.
///
/// `listen` serves the operations listener; it runs first, so that `/healthz` answers while the process waits for its
/// dependencies. `build` connects, binds and spawns, and returns once everything runs; an error from it ends the process
/// with the message and exit code 1. Wrong settings end it with exit code 2. SIGINT, SIGTERM or SIGHUP drains it: exit code 0.
/// A second signal ends it at once: exit code 1.
pub fn run<O: Section + Probe, S: Section>(
    name: &'static str,
    about: &str,
    listen: impl AsyncFnOnce(O, Process, Registry) -> anyhow::Result<()>,
    build: impl AsyncFnOnce(S, Process) -> anyhow::Result<()>,
) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let settings = match read(name, about, &mut Vars::from_environment(), &arguments) {
        Command::Run(settings) => *settings,
        Command::Answer(text) => return print(&text),
        Command::Refuse(message) if arguments.is_empty() => return fatal(name, 2, &message),
        Command::Refuse(message) => return fail(2, &message),
        Command::NotReady(why) => return fail(1, &why),
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(run_until_drained(
                name,
                &settings.common,
                async |process, metrics| listen(settings.operations, process, metrics).await,
                async |process| build(settings.own, process).await,
            ));
            // Blocking work that is left is not waited for: the outcome is known.
            runtime.shutdown_background();
            code
        }
        Err(error) => fatal(name, 1, &format!("the runtime cannot be started: {error}")),
    }
}

/// What a process was started for.
enum Command<O, S> {
    Run(Box<Settings<O, S>>),
    /// Print this text and end.
    Answer(String),
    /// The arguments or the settings are wrong: print this message and end.
    Refuse(String),
    /// The process that was asked is not ready, or does not answer.
    NotReady(String),
}

struct Settings<O, S> {
    common: CommonConfig,
    operations: O,
    own: S,
}

/// Reads all sections before it judges the arguments, since `--help` lists every variable. A probe needs only the section of
/// the operations listener.
fn read<O: Section + Probe, S: Section>(
    name: &str,
    about: &str,
    vars: &mut Vars,
    arguments: &[&str],
) -> Command<O, S> {
    if arguments == ["healthcheck"] {
        return healthcheck::<O, S>(name, vars);
    }
    let common = CommonConfig::read(vars);
    let (operations, own) = (O::read(vars), S::read(vars));
    match arguments {
        ["--help" | "-h"] => {
            return Command::Answer(format!(
                "{name}: {about}\n\n{ARGUMENTS}\n\nVariables (name, default, meaning):\n\n{}",
                vars.help()
            ));
        }
        ["--version" | "-V"] => {
            return Command::Answer(format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
        }
        [] | ["--check-config"] => vars.refuse_unknown(),
        _ => {
            return Command::Refuse(format!(
                "{name} does not know these arguments; {name} --help lists them"
            ));
        }
    }
    let (Some(common), Some(operations), Some(own), []) =
        (common, operations, own, vars.problems())
    else {
        return Command::Refuse(problems(name, vars));
    };
    if arguments.is_empty() {
        Command::Run(Box::new(Settings {
            common,
            operations,
            own,
        }))
    } else {
        Command::Answer(format!("{name}: the settings are right\n"))
    }
}

/// Asks the running process through its operations listener.
fn healthcheck<O: Section + Probe, S>(name: &str, vars: &mut Vars) -> Command<O, S> {
    let Some(operations) = O::read(vars) else {
        return Command::Refuse(problems(name, vars));
    };
    match operations.ask() {
        Ok(()) => Command::Answer(format!("{name} is ready\n")),
        Err(why) => Command::NotReady(format!("{name} is not ready: {why}")),
    }
}

fn problems(name: &str, vars: &Vars) -> String {
    let lines: Vec<_> = vars
        .problems()
        .iter()
        .map(|problem| format!("  {} {}", problem.variable, problem.message))
        .collect();
    format!("{name}: the settings are not right:\n{}", lines.join("\n"))
}

async fn run_until_drained(
    name: &'static str,
    common: &CommonConfig,
    listen: impl AsyncFnOnce(Process, Registry) -> anyhow::Result<()>,
    build: impl AsyncFnOnce(Process) -> anyhow::Result<()>,
) -> ExitCode {
    let telemetry = match Telemetry::install(name, &common.telemetry) {
        Ok(telemetry) => telemetry,
        Err(error) => return fatal(name, 1, &error.to_string()),
    };
    let process = Process::new(name);
    // Tasks of its own, so that the operations listener answers to the end.
    let operations = Process {
        tasks: Tasks::new(),
        ..process.clone()
    };
    let metrics = telemetry.registry();
    let started = async {
        listen(operations.clone(), metrics).await?;
        build(process.clone()).await
    };
    let ended = match Signals::new() {
        Ok(mut signals) => {
            let ended = serve_until_signalled(&process, &mut signals, started).await;
            // Nobody sends work to a process whose start failed.
            let delay = ended
                .as_ref()
                .map_or(Duration::ZERO, |()| common.drain_delay);
            let drained = drain(&process, &mut signals, delay, common.shutdown_timeout).await;
            ended.and(drained)
        }
        Err(error) => Err(error.into()),
    };
    operations.tasks.shut_down(OPERATIONS_TIMEOUT).await;
    if let Err(error) = &ended {
        tracing::error!("{error:#}");
    }
    tokio::task::spawn_blocking(move || telemetry.flush())
        .await
        .ok();
    ended.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// Runs `start`, then waits for a signal, which also ends a start that is under way.
async fn serve_until_signalled(
    process: &Process,
    signals: &mut Signals,
    start: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let started = process.readiness.latch("started");
    let run = async {
        start.await?;
        started.hold();
        tracing::info!(
            service = process.name,
            version = env!("CARGO_PKG_VERSION"),
            "ready"
        );
        std::future::pending().await
    };
    tokio::select! {
        () = signals.received() => Ok(()),
        ended = run => ended,
    }
}

/// Says that it drains, serves on for `delay`, then waits for the work in flight, `timeout` at most. Another signal ends that.
async fn drain(
    process: &Process,
    signals: &mut Signals,
    delay: Duration,
    timeout: Duration,
) -> anyhow::Result<()> {
    tracing::info!("draining");
    process.readiness.drain();
    let drained = async {
        tokio::time::sleep(delay).await;
        process.tasks.shut_down(timeout).await
    };
    tokio::select! {
        drained = drained => {
            if !drained {
                tracing::warn!(
                    "work was still in flight at the shutdown deadline; it will be taken up again"
                );
            }
            Ok(())
        }
        () = signals.received() => Err(anyhow::anyhow!(
            "a second signal ended it before its work in flight was done; it will be taken up again"
        )),
    }
}

/// The signals that end a process.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn received(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Writes the answer to a command-line option, which is no log line.
fn print(text: &str) -> ExitCode {
    use std::io::Write as _;
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// An error that ends a process before its logs are set up, as a line of them.
fn fatal(name: &str, code: u8, message: &str) -> ExitCode {
    fail(code, &lines::fatal(name, message))
}

fn fail(code: u8, message: &str) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests;
