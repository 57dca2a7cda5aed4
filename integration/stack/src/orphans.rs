//! Programs whose supervisor was killed: found by the process id in the file beside their log, and
//! stopped before new ones start, so that no old process works on the data of the new ones.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Writes `<log>.pid`.
pub fn write_pid_file(log: &Path, pid: Option<u32>, program: &Path) -> Result<()> {
    let Some(pid) = pid else { return Ok(()) };
    let path = log.with_extension("pid");
    fs::write(&path, format!("{pid} {}", program.display()))
        .with_context(|| format!("cannot write {}", path.display()))
}

pub fn remove_pid_file(log: &Path) {
    let _ = fs::remove_file(log.with_extension("pid"));
}

/// Stops what an earlier supervisor of `logs` left running; returns the programs' names.
///
/// A process counts only if it still runs the program that was started: ids are reused.
pub fn stop_orphans(logs: &Path) -> Result<Vec<String>> {
    let mut stopped = Vec::new();
    for entry in fs::read_dir(logs).with_context(|| format!("cannot read {}", logs.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pid") {
            if let Some(pid) = running(&path) {
                stop(pid).with_context(|| format!("{} of an earlier start", path.display()))?;
                stopped.push(
                    path.file_stem()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
            let _ = fs::remove_file(&path);
        }
    }
    Ok(stopped)
}

fn running(pid_file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(pid_file).ok()?;
    let (pid, program) = text.split_once(' ')?;
    let pid: i32 = pid.parse().ok()?;
    let now = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let now = now
        .to_string_lossy()
        .trim_end_matches(" (deleted)")
        .to_owned();
    let then = Path::new(program)
        .canonicalize()
        .unwrap_or_else(|_| PathBuf::from(program));
    (Path::new(&now) == then)
        .then(|| Pid::from_raw(pid))
        .flatten()
}

/// SIGINT: a fast, orderly shutdown for Postgres, and a shutdown for the others.
fn stop(pid: Pid) -> Result<()> {
    let _ = kill_process(pid, Signal::INT);
    let deadline = Instant::now() + Duration::from_secs(25);
    while test_kill_process(pid).is_ok() {
        if Instant::now() > deadline {
            bail!("process {} does not stop", pid.as_raw_nonzero());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_orphan_is_stopped_and_another_program_with_its_pid_is_not() {
        let logs = tempfile::tempdir().unwrap();
        let mut orphan = Command::new("sleep").arg("600").spawn().unwrap();
        let sleep = fs::read_link(format!("/proc/{}/exe", orphan.id())).unwrap();
        write_pid_file(&logs.path().join("orphan.log"), Some(orphan.id()), &sleep).unwrap();
        let me = std::process::id();
        write_pid_file(&logs.path().join("other.log"), Some(me), &sleep).unwrap();

        let reaper = std::thread::spawn(move || orphan.wait());
        assert_eq!(stop_orphans(logs.path()).unwrap(), ["orphan"]);
        assert!(!reaper.join().unwrap().unwrap().success());
        assert_eq!(fs::read_dir(logs.path()).unwrap().count(), 0);
    }
}
