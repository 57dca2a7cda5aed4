//! What `/proc` says about processes (proc_pid_stat(5), proc_pid_environ(5)).

use std::{
    collections::HashMap,
    fs,
    io::{self, ErrorKind},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process, kill_process_group},
};
use serde::{Deserialize, Serialize};

/// Names one process for good: a pid alone is given to others again, and clock ticks are counted from the boot on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ProcessId {
    pid: i32,
    /// Clock ticks after the boot.
    started: u64,
    /// The boot's id; empty in notes of versions that did not note it.
    #[serde(default)]
    boot: String,
}

/// Whether a process is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Liveness {
    Alive,
    /// It ended, and its parent, another process than init, has not yet asked how.
    Unreaped,
    Gone,
}

impl ProcessId {
    /// The process that has `pid` now, which may have ended but is not reaped; `None` if there is none.
    pub(super) fn of(pid: i32, boot: &str) -> io::Result<Option<Self>> {
        let stat = Stat::read(pid)?;
        Ok(stat.map(|stat| Self {
            pid,
            started: stat.started,
            boot: boot.to_owned(),
        }))
    }

    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    /// `boot` is the id of the boot that we live in.
    pub(super) fn liveness(&self, boot: &str) -> io::Result<Liveness> {
        if !self.boot.is_empty() && self.boot != boot {
            return Ok(Liveness::Gone);
        }
        Ok(match Stat::read(self.pid)? {
            Some(stat) if stat.started != self.started => Liveness::Gone,
            Some(stat) if !stat.has_ended() => Liveness::Alive,
            Some(stat) if stat.parent != 1 => Liveness::Unreaped,
            Some(_) | None => Liveness::Gone,
        })
    }

    /// Sends `signal` to the process and its group; one that is gone needs none.
    ///
    /// The kernel gives neither the pid nor the id of the group to others while the process is there, reaped or not. The
    /// manager that is its parent reaps it under the game's lock, which the caller holds; if its parent is init, it would
    /// have to end, be reaped and be replaced between two system calls for the signal to hit another one.
    pub(super) fn signal_group(&self, signal: Signal) -> io::Result<()> {
        let (Some(stat), Some(pid)) = (Stat::read(self.pid)?, Pid::from_raw(self.pid)) else {
            return Ok(());
        };
        if stat.started != self.started {
            return Ok(());
        }
        let sent = if stat.group == self.pid {
            kill_process_group(pid, signal)
        } else {
            kill_process(pid, signal)
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// For people and for the name of a run: `pid-started`.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.pid, self.started)
    }
}

/// The parts of `/proc/<pid>/stat` that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: i32,
    group: i32,
    started: u64,
}

impl Stat {
    fn read(pid: i32) -> io::Result<Option<Self>> {
        let file = format!("/proc/{pid}/stat");
        match fs::read(&file) {
            Ok(stat) => Self::parse(&String::from_utf8_lossy(&stat))
                .map(Some)
                .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, file)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Fields 3, 4, 5 and 22. The name in field 2 may hold anything, parentheses and spaces included.
    fn parse(stat: &str) -> Option<Self> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    const fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// The id of this boot; empty where there is none to be had.
pub(super) fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// All processes of this machine.
pub(super) fn pids() -> io::Result<impl Iterator<Item = i32>> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()))
}

/// The processes of the group `group` that have not ended.
pub(super) fn group(group: i32) -> io::Result<impl Iterator<Item = i32>> {
    let in_group = move |pid: &i32| {
        let stat = Stat::read(*pid).ok().flatten();
        stat.is_some_and(|stat| stat.group == group && !stat.has_ended())
    };
    Ok(pids()?.filter(in_group))
}

/// Engines among all processes, for games whose note was lost. Looks at most once, and only if it is asked.
#[derive(Debug, Default)]
pub(super) struct Search(std::cell::OnceCell<HashMap<PathBuf, (ProcessId, i64)>>);

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
    for pid in pids()? {
        let Ok(Some(stat)) = Stat::read(pid) else {
            continue;
        };
        if stat.group == pid
            && !stat.has_ended()
            && let Some(environment) = Environment::read(pid)
            && let Some(state_dir) = environment.get("ENGINE_STATE_DIR")
        {
            let epoch = environment.get("ENGINE_EPOCH").and_then(parse);
            let process = ProcessId {
                pid,
                started: stat.started,
                boot: boot.to_owned(),
            };
            let state_dir = Path::new(std::ffi::OsStr::from_bytes(state_dir)).to_owned();
            found.insert(state_dir, (process, epoch.unwrap_or(0)));
        }
    }
    Ok(found)
}

/// Kills every process that has `state_dir` in its environment, and returns how many there were. What an engine started is
/// found like this even if it left the engine's group. For games whose engine is known to be gone.
pub(super) fn kill_leftovers(state_dir: &Path) -> io::Result<usize> {
    let mut killed = 0;
    for pid in pids()? {
        // Read between two looks at the start time, so that it is this process's own.
        let before = Stat::read(pid).ok().flatten();
        let Some(stat) = before.filter(|stat| !stat.has_ended()) else {
            continue;
        };
        let ours = Environment::read(pid).is_some_and(|environment| {
            environment.get("ENGINE_STATE_DIR") == Some(state_dir.as_os_str().as_bytes())
        });
        if ours
            && Stat::read(pid)?.is_some_and(|now| now.started == stat.started)
            && let Some(pid) = Pid::from_raw(pid)
        {
            tracing::warn!(?pid, state_dir = %state_dir.display(), "killing a process that an engine left");
            match kill_process(pid, Signal::KILL) {
                Ok(()) => killed += 1,
                Err(Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(killed)
}

/// What a process was started with.
struct Environment(Vec<u8>);

impl Environment {
    /// `None` if it is gone, or not ours to read.
    fn read(pid: i32) -> Option<Self> {
        fs::read(format!("/proc/{pid}/environ")).ok().map(Self)
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        let value = |line: &'_ [u8]| {
            let rest = line.strip_prefix(name.as_bytes())?;
            Some(rest.strip_prefix(b"=")?.len())
        };
        self.0.split(|byte| *byte == 0).find_map(|line| {
            let length = value(line)?;
            Some(&line[line.len() - length..])
        })
    }
}

fn parse(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A process that ends while it is read gives ESRCH.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_past_any_name() {
        let rest = "1 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9 777 1000 2000";
        let expected = |state| {
            Some(Stat {
                state,
                parent: 1,
                group: 42,
                started: 777,
            })
        };
        assert_eq!(Stat::parse(&format!("42 (engine) S {rest}")), expected('S'));
        assert_eq!(
            Stat::parse(&format!("42 (a) Z (b) S {rest}")),
            expected('S')
        );
        assert_eq!(Stat::parse(&format!("42 (engine) Z {rest}")), expected('Z'));
        assert_eq!(Stat::parse("42 (engine) S"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn a_process_is_named_by_pid_start_and_boot() {
        let me = i32::try_from(std::process::id()).unwrap();
        let boot = boot_id();
        let process = ProcessId::of(me, &boot).unwrap().unwrap();
        assert_eq!(process.liveness(&boot).unwrap(), Liveness::Alive);
        assert_eq!(process.liveness("another").unwrap(), Liveness::Gone);
        let mut later = process.clone();
        later.started += 1;
        assert_eq!(later.liveness(&boot).unwrap(), Liveness::Gone);
        assert_eq!(ProcessId::of(i32::MAX, &boot).unwrap(), None);
        assert!(
            group(Stat::read(me).unwrap().unwrap().group)
                .unwrap()
                .any(|pid| pid == me)
        );
    }

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let environment = Environment(b"XA=1\0AB=2\0A=3=4\0".to_vec());
        assert_eq!(environment.get("A"), Some(b"3=4".as_slice()));
        assert_eq!(environment.get("B"), None);
    }
}
