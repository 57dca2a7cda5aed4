//! One child process: started with its log in a file, watched, stopped, killed. It does not outlive its handle.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::{account::Account, env, orphans};

/// Lines of a log that a failure shows.
const TAIL_LINES: usize = 40;
/// A longer log is truncated when its program is started.
const LOG_LIMIT: u64 = 32 * 1024 * 1024;

/// How to run a program.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Name in messages.
    pub name: String,
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// Added to the environment of this process, of which settings of the platform are not passed on.
    pub env: Vec<(String, String)>,
    pub dir: PathBuf,
    /// Standard output and error are appended here.
    pub log: PathBuf,
    /// To run as, instead of the current one.
    pub account: Option<Account>,
    /// In a process group of its own a Ctrl-C of the terminal does not reach it. Otherwise a signal to
    /// the group of this process (a test runner's at its timeout) ends the child too.
    pub own_group: bool,
    /// For an orderly shutdown.
    pub stop_signal: Signal,
    /// For a child whose handle is dropped while it runs.
    pub drop_signal: Signal,
}

/// A program that was started.
#[derive(Debug)]
pub struct Program {
    spec: Spec,
    child: Child,
    log_from: u64,
    stopped: bool,
}

impl Spec {
    pub fn start(self) -> Result<Program> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        if log.metadata()?.len() > LOG_LIMIT {
            log.set_len(0)?;
        }
        let log_from = log.metadata()?.len();
        let mut command = Command::new(&self.program);
        for (name, _) in env::settings() {
            command.env_remove(name);
        }
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        if self.own_group {
            command.process_group(0);
        }
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
        let child = command.spawn();
        let child = child.with_context(|| format!("cannot run {}", self.program.display()))?;
        orphans::write_pid_file(&self.log, child.id(), &self.program)?;
        Ok(Program {
            spec: self,
            child,
            log_from,
            stopped: false,
        })
    }
}

impl Program {
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Its process id; `None` once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.spec.dir
    }

    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends it a signal; nothing happens if it has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Suspends it (SIGSTOP), as a machine that hangs would.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Sends the stop signal and waits; kills it after `within`, which is an error.
    pub async fn stop(&mut self, within: Duration) -> Result<()> {
        self.stopped = true;
        self.signal(self.spec.stop_signal);
        if tokio::time::timeout(within, self.child.wait())
            .await
            .is_err()
        {
            self.kill().await?;
            bail!(
                "{} did not stop within {within:?} and was killed",
                self.name()
            );
        }
        Ok(())
    }

    /// Kills it at once and waits until it is gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.stopped = true;
        if self.ended().is_none() {
            self.child
                .kill()
                .await
                .with_context(|| format!("cannot kill {}", self.name()))?;
        }
        Ok(())
    }

    /// Starts it again with the same specification; it must have ended.
    pub fn start_again(&self) -> Result<Self> {
        self.spec.clone().start()
    }

    /// Runs another program, with the same arguments and environment, from the next start on.
    pub fn replace_by(&mut self, program: PathBuf) {
        self.spec.program = program;
    }

    /// The last lines that this run logged.
    pub fn tail(&self) -> String {
        let log = fs::read(&self.spec.log).unwrap_or_default();
        let from = usize::try_from(self.log_from).unwrap_or(0).min(log.len());
        let text = String::from_utf8_lossy(&log[from..]);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// An error that shows what happened and the log's end.
    pub fn failure(&self, what: &str) -> anyhow::Error {
        let log = self.spec.log.display();
        anyhow::anyhow!(
            "{} {what}\n--- the end of {log}\n{}\n---",
            self.name(),
            self.tail()
        )
    }

    /// Waits until `ready` succeeds, the program ends, or `within` has passed.
    pub async fn wait_until<F>(&mut self, within: Duration, mut ready: F) -> Result<()>
    where
        F: AsyncFnMut() -> Result<(), String>,
    {
        let deadline = Instant::now() + within;
        loop {
            let Err(why) = ready().await else {
                return Ok(());
            };
            if let Some(status) = self.ended() {
                return Err(self.failure(&format!("ended with {status} before it was ready")));
            }
            if Instant::now() > deadline {
                return Err(self.failure(&format!("is not ready after {within:?}: {why}")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Program {
    /// A child that still runs gets its drop signal and, unless that is SIGKILL, up to 3 s before it is killed.
    fn drop(&mut self) {
        orphans::remove_pid_file(&self.spec.log);
        if self.stopped || self.ended().is_some() || self.spec.drop_signal == Signal::KILL {
            return;
        }
        self.signal(self.spec.drop_signal);
        let deadline = Instant::now() + Duration::from_secs(3);
        while self.ended().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(dir: &Path, script: &str) -> Program {
        let spec = Spec {
            name: "shell".into(),
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: vec![("GREETING".into(), "hello".into())],
            dir: dir.to_owned(),
            log: dir.join("shell.log"),
            account: None,
            own_group: false,
            stop_signal: Signal::TERM,
            drop_signal: Signal::KILL,
        };
        spec.start().unwrap()
    }

    #[tokio::test]
    async fn a_program_that_ends_before_it_is_ready_shows_its_log_and_only_this_run() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("shell.log"), "an earlier run\n").unwrap();
        let mut program = shell(dir.path(), "echo $GREETING; exit 3");
        let never = async || Err::<(), _>("no".to_owned());
        let error = program
            .wait_until(Duration::from_secs(20), never)
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("hello"),
            "{text}"
        );
        assert!(!text.contains("an earlier run"), "{text}");
    }

    #[tokio::test]
    async fn a_program_that_ignores_the_stop_signal_is_killed_which_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = shell(
            dir.path(),
            "trap '' TERM; echo up; while :; do sleep 0.05; done",
        );
        let log = program.log().to_owned();
        let up = async || match fs::read_to_string(&log) {
            Ok(text) if text.contains("up") => Ok(()),
            _ => Err("nothing yet".to_owned()),
        };
        program
            .wait_until(Duration::from_secs(20), up)
            .await
            .unwrap();
        let error = program.stop(Duration::from_millis(100)).await.unwrap_err();
        assert!(error.to_string().contains("was killed"), "{error}");
        assert!(program.ended().is_some());
    }

    #[tokio::test]
    async fn a_stopped_program_can_be_started_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = shell(dir.path(), "exec sleep 60");
        let first = program.pid();
        program.stop(Duration::from_secs(20)).await.unwrap();
        let mut second = program.start_again().unwrap();
        assert_ne!(second.pid(), first);
        second.kill().await.unwrap();
    }
}
