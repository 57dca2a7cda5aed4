//! Programs that outlived their supervisor (it was killed): found by the process id beside their log,
//! and ended before new ones start, so that no old process works on the new ones' data.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Writes `<log>.pid`.
pub fn remember(log: &Path, pid: Option<u32>, program: &Path) -> Result<()> {
    let Some(pid) = pid else { return Ok(()) };
    let path = log.with_extension("pid");
    fs::write(&path, format!("{pid} {}", program.display()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Removes it again.
pub fn forget(log: &Path) {
    let _ = fs::remove_file(log.with_extension("pid"));
}

/// Ends what an earlier supervisor of `logs` left running; gives the programs' names.
///
/// A process counts only if it still runs the program that was started: ids are used again.
pub fn end_leftovers(logs: &Path) -> Result<Vec<String>> {
    let mut ended = Vec::new();
    for entry in fs::read_dir(logs).with_context(|| format!("cannot read {}", logs.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pid") {
            if let Some(pid) = running(&path) {
                end(pid).with_context(|| format!("{} of an earlier start", path.display()))?;
                ended.push(
                    path.file_stem()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
            let _ = fs::remove_file(&path);
        }
    }
    Ok(ended)
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

/// SIGINT: Postgres stops in order on it, and so do the others.
fn end(pid: Pid) -> Result<()> {
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
    fn an_orphan_is_ended_and_a_stranger_with_its_number_is_not() {
        let logs = tempfile::tempdir().unwrap();
        let mut orphan = Command::new("sleep").arg("600").spawn().unwrap();
        let sleep = fs::read_link(format!("/proc/{}/exe", orphan.id())).unwrap();
        remember(&logs.path().join("orphan.log"), Some(orphan.id()), &sleep).unwrap();
        let me = std::process::id();
        remember(&logs.path().join("stranger.log"), Some(me), &sleep).unwrap();

        let reaper = std::thread::spawn(move || orphan.wait());
        assert_eq!(end_leftovers(logs.path()).unwrap(), ["orphan"]);
        assert!(!reaper.join().unwrap().unwrap().success());
        assert_eq!(fs::read_dir(logs.path()).unwrap().count(), 0);
    }
}
