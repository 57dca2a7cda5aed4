//! Engines and what they left, found by what they were started with (proc_pid_environ(5)).

use std::{
    cell::OnceCell,
    collections::HashMap,
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::procfs::{self, Liveness, ProcessId};

/// Engines among all processes, for games whose note was lost. Looks at most once, and only if it is asked.
#[derive(Debug, Default)]
pub(super) struct Search(OnceCell<HashMap<PathBuf, (ProcessId, i64)>>);

impl Search {
    /// The process that leads a group and has `state_dir` in its environment, and its epoch.
    pub(super) fn engine_on(
        &self,
        state_dir: &Path,
        boot: &str,
    ) -> io::Result<Option<(ProcessId, i64)>> {
        if self.0.get().is_none() {
            // Cannot be set already: it is not shared between threads.
            let _ = self.0.set(group_leaders(boot)?);
        }
        Ok(self.0.get().and_then(|found| found.get(state_dir)).cloned())
    }
}

fn group_leaders(boot: &str) -> io::Result<HashMap<PathBuf, (ProcessId, i64)>> {
    let mut found = HashMap::new();
    for (process, environment) in all(boot)? {
        if let Some(state_dir) = environment.get("ENGINE_STATE_DIR")
            && procfs::leads_group(process.pid())
        {
            let epoch = environment.get("ENGINE_EPOCH").and_then(parse);
            let state_dir = Path::new(OsStr::from_bytes(state_dir)).to_owned();
            found.insert(state_dir, (process, epoch.unwrap_or(0)));
        }
    }
    Ok(found)
}

/// Kills every process that has `state_dir` in its environment, and returns how many there were. What an engine started is
/// found like this even if it left the engine's group. For games whose engine is known to be gone.
pub(super) fn kill_leftovers(state_dir: &Path, boot: &str) -> io::Result<usize> {
    let mut killed = 0;
    for (process, environment) in all(boot)? {
        let ours = environment.get("ENGINE_STATE_DIR") == Some(state_dir.as_os_str().as_bytes());
        if ours && process.kill()? {
            tracing::warn!(pid = process.pid(), state_dir = %state_dir.display(), "killed a process that an engine left");
            killed += 1;
        }
    }
    Ok(killed)
}

/// All processes whose environment we may read.
fn all(boot: &str) -> io::Result<impl Iterator<Item = (ProcessId, Environment)>> {
    let read = move |pid| {
        let process = ProcessId::of(pid, boot).ok()??;
        let environment = Environment::read(pid)?;
        // It is still the same process, so that the environment is its own.
        let alive = matches!(process.liveness(boot), Ok(Liveness::Alive));
        alive.then_some((process, environment))
    };
    Ok(procfs::pids()?.filter_map(read))
}

/// What a process was started with.
struct Environment(Vec<u8>);

impl Environment {
    /// `None` if it is gone, or not ours to read.
    fn read(pid: i32) -> Option<Self> {
        fs::read(format!("/proc/{pid}/environ")).ok().map(Self)
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        let mut lines = self.0.split(|byte| *byte == 0);
        lines.find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }
}

fn parse(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let environment = Environment(b"XA=1\0AB=2\0A=3=4\0".to_vec());
        assert_eq!(environment.get("A"), Some(b"3=4".as_slice()));
        assert_eq!(environment.get("B"), None);
    }
}
