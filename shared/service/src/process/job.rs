//! What a binary does besides being a process: one piece of work, or one answer made of its settings.

use std::process::ExitCode;

use anyhow::bail;

use super::{CommonConfig, Process, Signals, fail, fatal, print, problems};
use crate::{
    config::{Section, Vars},
    telemetry::Telemetry,
};

/// Does `work` with the settings `S` and ends: exit code 0, 1 with the error, 2 if the settings are wrong. SIGINT and SIGTERM
/// end it early, which is an error.
pub fn run_job<S: Section>(
    name: &'static str,
    work: impl AsyncFnOnce(S, Process) -> anyhow::Result<()>,
) -> ExitCode {
    let mut vars = Vars::from_environment();
    let (common, own) = (CommonConfig::read(&mut vars), S::read(&mut vars));
    vars.refuse_unknown();
    let (Some(common), Some(own), []) = (common, own, vars.problems()) else {
        return fatal(name, 2, &problems(name, &vars));
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(name, &common, own, work)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fatal(name, 1, &format!("{error:#}")),
    }
}

async fn run<S>(
    name: &'static str,
    common: &CommonConfig,
    own: S,
    work: impl AsyncFnOnce(S, Process) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let telemetry = Telemetry::install(name, &common.telemetry)?;
    let process = Process::new(name);
    let mut signals = Signals::new()?;
    let done = tokio::select! {
        done = work(own, process.clone()) => done,
        () = signals.received() => Err(anyhow::anyhow!("ended by a signal before it was done")),
    };
    if !process.tasks.shut_down(common.shutdown_timeout).await {
        bail!("background work did not end");
    }
    tokio::task::spawn_blocking(move || telemetry.flush()).await?;
    done
}

/// Prints what `make` makes of the settings: exit code 0, or 2 with the problems that it recorded.
pub fn answer(name: &str, make: impl FnOnce(&mut Vars) -> Option<String>) -> ExitCode {
    let mut vars = Vars::from_environment();
    match make(&mut vars) {
        Some(text) => print(&text),
        None => fail(2, &problems(name, &vars)),
    }
}
