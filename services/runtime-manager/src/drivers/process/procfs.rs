//! What `/proc` says about processes (proc_pid_stat(5), proc_pid_cmdline(5)).

use std::{
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal},
};

/// An engine that was seen running: its pid, when it began, and the state directory among its arguments. Together they
/// name one process for good; a pid alone is given to others again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    pid: i32,
    started: u64,
    state_dir: PathBuf,
}

impl Running {
    /// The process `pid`, if it is an engine on `state_dir` and, where known, began at `started` (clock ticks after boot).
    pub(super) fn find(pid: i32, started: Option<u64>, state_dir: &Path) -> Option<Self> {
        let began = started_at(pid)?;
        let it_is = started.is_none_or(|started| started == began) && works_on(pid, state_dir);
        it_is.then(|| Self {
            pid,
            started: began,
            state_dir: state_dir.to_owned(),
        })
    }

    /// The engine on `state_dir` among all processes.
    pub(super) fn search(state_dir: &Path) -> Option<Self> {
        fs::read_dir("/proc")
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .find_map(|pid| Self::find(pid, None, state_dir))
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) fn started(&self) -> u64 {
        self.started
    }

    /// Sends `signal` to exactly this process; one that is gone needs none.
    ///
    /// The pidfd holds on to one process, and only then it is looked at again, so that the signal cannot hit another one
    /// that was given the same pid meanwhile.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(());
        };
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => Some(handle),
            Err(Errno::SRCH) => return Ok(()),
            // Kernels before 5.3, and sandboxes: then the look right before the signal must do.
            Err(Errno::NOSYS | Errno::PERM) => None,
            Err(error) => return Err(error.into()),
        };
        if Self::find(self.pid, Some(self.started), &self.state_dir).is_none() {
            return Ok(());
        }
        let sent = match handle {
            Some(handle) => pidfd_send_signal(handle, signal),
            None => kill_process(pid, signal),
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// When the process began, in clock ticks after boot; `None` if there is none or it is only waiting to be reaped.
fn started_at(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&stat)
}

/// Fields 3 (state) and 22 (starttime). The name in field 2 may hold anything, parentheses and spaces included.
fn parse_stat(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Whether the process was started with `--state-dir` and this directory.
fn works_on(pid: i32, state_dir: &Path) -> bool {
    let Ok(arguments) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let arguments: Vec<&[u8]> = arguments.split(|byte| *byte == 0).collect();
    arguments
        .windows(2)
        .any(|pair| pair[0] == b"--state-dir" && pair[1] == state_dir.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_read_past_any_name_and_a_zombie_does_not_count() {
        let rest = "1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1000 2000";
        assert_eq!(parse_stat(&format!("42 (engine) S 1 {rest}")), Some(777));
        assert_eq!(parse_stat(&format!("42 (a) Z (b) S 1 {rest}")), Some(777));
        assert_eq!(parse_stat(&format!("42 (engine) Z 1 {rest}")), None);
        assert_eq!(parse_stat("42 (engine) S"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn a_process_that_is_not_an_engine_on_the_directory_is_not_found() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(started_at(me).is_some());
        assert_eq!(Running::find(me, None, Path::new("/nowhere")), None);
    }
}
