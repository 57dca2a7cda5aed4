//! Engines that run as plain processes: they are found by the state directory among their arguments (`/proc`), and stopped.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// After the signal; then they are killed.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Stops every engine whose state is under `dir`; returns how many there were.
pub async fn stop(dir: &Path) -> usize {
    let engines = running(dir);
    signal(&engines, Signal::TERM);
    let deadline = Instant::now() + STOP_WITHIN;
    while !running(dir).is_empty() {
        if Instant::now() > deadline {
            kill(dir);
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engines.len()
}

/// Kills every engine whose state is under `dir`.
pub fn kill(dir: &Path) {
    signal(&running(dir), Signal::KILL);
}

fn signal(engines: &[Pid], signal: Signal) {
    for pid in engines {
        let _ = kill_process(*pid, signal);
    }
}

fn running(dir: &Path) -> Vec<Pid> {
    let Ok(dir) = dir.canonicalize() else {
        return Vec::new();
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| has_state_under(*pid, &dir))
        .filter_map(Pid::from_raw)
        .collect()
}

/// Whether the process is an engine with its state under `dir`: the driver says so in its environment, drivers of earlier
/// versions in its arguments. A zombie has neither, so it does not count.
fn has_state_under(pid: i32, dir: &Path) -> bool {
    let state = |path: &[u8]| Path::new(std::ffi::OsStr::from_bytes(path)).starts_with(dir);
    let read = |file| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let environment = read("environ");
    let mut variables = environment.split(|byte| *byte == 0);
    let arguments = read("cmdline");
    let arguments: Vec<&[u8]> = arguments.split(|byte| *byte == 0).collect();
    variables.any(|variable| {
        variable
            .strip_prefix(b"ENGINE_STATE_DIR=")
            .is_some_and(state)
    }) || arguments
        .windows(2)
        .any(|pair| pair[0] == b"--state-dir" && state(pair[1]))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn engines_of_this_stack_are_stopped_and_others_keep_running() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let start = |dir: &Path| {
            let mut engine = Command::new("sleep");
            engine
                .arg("600")
                .env("ENGINE_STATE_DIR", dir.join("game/state"));
            engine.spawn().unwrap()
        };
        let (mut mine, mut other) = (start(ours.path()), start(theirs.path()));
        let reaper = std::thread::spawn(move || mine.wait());
        while running(ours.path()).is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(stop(ours.path()).await, 1);
        assert!(!reaper.join().unwrap().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        kill(theirs.path());
        other.wait().unwrap();
    }
}
