//! What `/proc` says about processes (proc_pid_stat(5)).

use std::{
    fs,
    io::{self, ErrorKind},
};

use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open, pidfd_send_signal,
    },
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

    /// Sends SIGKILL to exactly this process; whether it was there.
    pub(super) fn kill(&self) -> io::Result<bool> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(false);
        };
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => Some(handle),
            Err(Errno::SRCH) => return Ok(false),
            // Kernels before 5.3, and sandboxes: then the look right before the signal must do.
            Err(Errno::NOSYS | Errno::PERM) => None,
            Err(error) => return Err(error.into()),
        };
        // The handle holds on to one process; only now it is sure which.
        if self.liveness(&self.boot)? != Liveness::Alive {
            return Ok(false);
        }
        let sent = match handle {
            Some(handle) => pidfd_send_signal(handle, Signal::KILL),
            None => kill_process(pid, Signal::KILL),
        };
        match sent {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
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

/// Whether `pid` leads a group.
pub(super) fn leads_group(pid: i32) -> bool {
    let stat = Stat::read(pid).ok().flatten();
    stat.is_some_and(|stat| stat.group == pid)
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
}
