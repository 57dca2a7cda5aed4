//! The verbs that change something. Each works under the lock of the game's directory.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use galaxy_core::GameId;
use rustix::process::Signal;

use super::{
    environment,
    home::{Home, Note},
    place::{Engine, Place, lock, lock_made},
    procfs::ProcessId,
    spawn,
};
use crate::{DriverError, EngineSpec, Result, Sight};

/// How long a verb waits for killed processes to be gone. The kernel takes less than a millisecond, unless one is stuck in it.
const KILL_WAIT: Duration = Duration::from_millis(200);

impl Place {
    pub(super) fn apply(self: &Arc<Self>, spec: &EngineSpec) -> Result<Sight> {
        self.root.check()?;
        let home = self.root.home(spec.game);
        let _lock = lock_made(&home)?;
        let engine = self.engine_locked(&home)?;
        fence(&home, &engine, spec.epoch)?;
        match engine {
            Engine::Alive(note, process) if !note.is(spec) => {
                // What would not run must not end what does.
                self.programs.find(&spec.image)?;
                home.raise_epoch(spec.epoch)?;
                self.stop(spec.game, &home, note, process, spec.grace)
            }
            Engine::Unreaped(ref note) | Engine::Ended(ref note) if !note.is(spec) => {
                self.start(&home, spec)
            }
            Engine::None | Engine::Unstarted(_) => self.start(&home, spec),
            Engine::Alive(..) | Engine::Unreaped(_) | Engine::Ended(_) => {
                Ok(self.sight(spec.game, &home, engine)?)
            }
        }
    }

    pub(super) fn sleep(
        self: &Arc<Self>,
        game: GameId,
        epoch: i64,
        grace: Duration,
    ) -> Result<Sight> {
        self.root.check()?;
        let home = self.root.home(game);
        let Some(_lock) = lock(&home)? else {
            return Ok(Sight::Absent);
        };
        let engine = self.engine_locked(&home)?;
        fence(&home, &engine, epoch)?;
        home.raise_epoch(epoch)?;
        match engine {
            Engine::Alive(note, process) => self.stop(game, &home, note, process, grace),
            engine => match left(&home, epoch, &self.boot)? {
                Some(pending) => Ok(pending),
                None => Ok(self.sight(game, &home, engine)?),
            },
        }
    }

    pub(super) fn delete_engine(self: &Arc<Self>, game: GameId, epoch: i64) -> Result<Sight> {
        self.root.check()?;
        let home = self.root.home(game);
        let Some(_lock) = lock(&home)? else {
            return Ok(Sight::Absent);
        };
        let engine = self.engine_locked(&home)?;
        fence(&home, &engine, epoch)?;
        home.raise_epoch(epoch)?;
        if let Engine::Alive(note, process) = engine {
            return self.stop(game, &home, note, process, self.stop_timeout);
        }
        if let Some(pending) = left(&home, epoch, &self.boot)? {
            return Ok(pending);
        }
        home.forget_engine()?;
        Ok(self.sight(game, &home, Engine::None)?)
    }

    pub(super) fn delete_state(&self, game: GameId, epoch: i64) -> Result<()> {
        self.root.check()?;
        let home = self.root.home(game);
        let Some(_lock) = lock(&home)? else {
            return Ok(());
        };
        let engine = self.engine_locked(&home)?;
        fence(&home, &engine, epoch)?;
        match engine {
            Engine::None | Engine::Unstarted(_) => {}
            Engine::Alive(..) | Engine::Unreaped(_) | Engine::Ended(_) => {
                return Err(DriverError::invalid("there is an engine on this state"));
            }
        }
        if left(&home, epoch, &self.boot)?.is_some() {
            return Err(DriverError::unavailable(
                "processes of its engine are ending",
            ));
        }
        Ok(self.root.remove(game)?)
    }

    /// Starts the engine of `spec`. From before it runs its epoch is on the disk, and a note from which it is found again.
    fn start(self: &Arc<Self>, home: &Home, spec: &EngineSpec) -> Result<Sight> {
        let program = self.programs.find(&spec.image)?;
        if !spec.digest.is_empty() && self.programs.digest(&spec.image)? != spec.digest {
            tracing::warn!(game_id = %spec.game, program = %program.display(), "the program was changed since it was resolved");
        }
        home.raise_epoch(spec.epoch)?;
        if let Some(pending) = left(home, spec.epoch, &self.boot)? {
            return Ok(pending);
        }
        let log = home.prepare(spec.log_limit)?;
        let mut note = Note::of(spec);
        home.write_note(&note)?;
        let child = match spawn::engine(&program, home, log, spec) {
            Ok(child) => child,
            Err(error) => {
                home.forget_engine()?;
                return Err(spawn::failed(&program, &error));
            }
        };
        // It cannot be reaped before we do it, so that its pid is its own.
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let process = match pid {
            Some(pid) => ProcessId::of(pid, &self.boot)?,
            None => None,
        };
        let process = process.ok_or_else(|| DriverError::unavailable("/proc does not show it"))?;
        self.watch_child(spec.game, &process, child);
        note.process = Some(process.clone());
        home.write_note(&note)?;
        Ok(self.sight(spec.game, home, Engine::Alive(note, process))?)
    }

    /// Tells a running engine to end, once, and has it killed after `grace` or when it was to be killed anyway.
    fn stop(
        self: &Arc<Self>,
        game: GameId,
        home: &Home,
        mut note: Note,
        process: ProcessId,
        grace: Duration,
    ) -> Result<Sight> {
        let kill_at = self.clock.now().saturating_add(grace);
        if note.kill_at.is_none() {
            process.signal_group(Signal::TERM)?;
        }
        if note.kill_at.is_none_or(|planned| kill_at < planned) {
            note.kill_at = Some(kill_at);
            home.write_note(&note)?;
        }
        let kill_at = note.kill_at.unwrap_or(kill_at);
        self.kill_later(game, &process, kill_at);
        Ok(self.sight(game, home, Engine::Alive(note, process))?)
    }
}

/// Errors if a verb of an epoch above `epoch` was there before, or an engine of one.
fn fence(home: &Home, engine: &Engine, epoch: i64) -> Result<()> {
    let there = match engine {
        Engine::None => 0,
        Engine::Alive(note, _)
        | Engine::Unstarted(note)
        | Engine::Unreaped(note)
        | Engine::Ended(note) => note.epoch,
    };
    let found = home.epoch()?.max(there);
    if found > epoch {
        return Err(DriverError::Fenced { found });
    }
    Ok(())
}

/// Kills what an engine that is gone has left; what to say if that is not gone at once.
fn left(home: &Home, epoch: i64, boot: &str) -> io::Result<Option<Sight>> {
    let deadline = Instant::now() + KILL_WAIT;
    while environment::kill_leftovers(&home.state_dir(), boot)? > 0 {
        if Instant::now() >= deadline {
            return Ok(Some(Sight::Pending {
                epoch,
                why: "processes that its engine left are ending".to_owned(),
            }));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(None)
}
