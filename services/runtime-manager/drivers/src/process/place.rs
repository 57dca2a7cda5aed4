//! One node of this driver: a directory, and what this process knows about it.

use std::{fs, io, time::Duration};

use galaxy_core::Clock;
use galaxy_service::Tasks;

use super::{
    ProcessConfig,
    environment::Search,
    home::{Home, Note},
    known::Known,
    lock::Lock,
    procfs::{self, Liveness, ProcessId},
    program::Programs,
    root::Root,
};
use crate::{DriverError, Node, feed::Feed};

/// How long a verb waits for another one of the same game, which does nothing that takes long.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// A node.
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) programs: Programs,
    pub(super) known: Known,
    pub(super) events: Feed,
    pub(super) tasks: Tasks,
    pub(super) clock: Clock,
    pub(super) stop_timeout: Duration,
    pub(super) boot: String,
}

/// What there is of a game's engine, before anybody thinks about it.
#[derive(Debug)]
pub(super) enum Engine {
    /// Nothing is noted and nothing runs.
    None,
    /// It was about to be started: it is right now, or its manager died over it.
    Unstarted(Note),
    Alive(Note, ProcessId),
    /// It ended, and its parent is about to note how.
    Unreaped(Note),
    Ended(Note),
}

impl Place {
    pub(super) fn open(config: ProcessConfig, tasks: &Tasks, clock: Clock) -> io::Result<Self> {
        fs::metadata("/proc/self/stat")?;
        Ok(Self {
            root: Root::open(&config.directory, &config.deployment)?,
            programs: Programs::new(config.binary),
            known: Known::default(),
            events: Feed::default(),
            tasks: tasks.clone(),
            clock,
            stop_timeout: config.stop_timeout,
            boot: procfs::boot_id(),
        })
    }

    pub(super) fn node(&self) -> io::Result<Node> {
        let host = fs::read_to_string("/proc/sys/kernel/hostname")?;
        Ok(Node {
            id: self.root.id().to_owned(),
            name: format!("{}:{}", host.trim(), self.root.path().display()),
            driver: "process",
        })
    }

    /// What there is of the engine at `home`: the one that was noted, or one whose note was lost.
    pub(super) fn engine(&self, home: &Home, search: &Search) -> io::Result<Engine> {
        let note = home.note()?;
        if let Some(note) = &note
            && let Some(process) = &note.process
        {
            let liveness = match note.exit {
                Some(_) => Liveness::Gone,
                None => process.liveness(&self.boot)?,
            };
            return Ok(match liveness {
                Liveness::Alive => Engine::Alive(note.clone(), process.clone()),
                Liveness::Unreaped => Engine::Unreaped(note.clone()),
                Liveness::Gone => Engine::Ended(note.clone()),
            });
        }
        let found = if home.has_state()? {
            search.engine_on(&home.state_dir(), &self.boot)?
        } else {
            None
        };
        Ok(match (found, note) {
            (Some((process, epoch)), note) => {
                let note = note.filter(|note| note.epoch == epoch);
                let note = note.unwrap_or_else(|| Note::lost(epoch));
                Engine::Alive(note, process)
            }
            (None, Some(note)) => Engine::Unstarted(note),
            (None, None) => Engine::None,
        })
    }

    /// As [`Place::engine`], for a caller that holds the lock: an engine whose process was not noted is noted now.
    pub(super) fn engine_locked(&self, home: &Home) -> io::Result<Engine> {
        let mut engine = self.engine(home, &Search::default())?;
        if let Engine::Alive(note, process) = &mut engine
            && note.process.is_none()
        {
            note.process = Some(process.clone());
            home.write_note(note)?;
        }
        Ok(engine)
    }
}

/// Locks a game's directory; `None` if there is none.
pub(super) fn lock(home: &Home) -> io::Result<Option<Lock>> {
    match Lock::take(&home.lock_file(), LOCK_WAIT) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a game's directory and locks it.
pub(super) fn lock_made(home: &Home) -> io::Result<Lock> {
    loop {
        // Not its parents: if the root is not there, it is not made.
        match fs::create_dir(home.path()) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if let Some(lock) = lock(home)? {
            return Ok(lock);
        }
    }
}

/// What failed file work means.
impl From<io::Error> for DriverError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::denied(error),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::no_capacity(error),
            _ => Self::unavailable(error),
        }
    }
}
