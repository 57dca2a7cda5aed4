//! The ends of engines: waiting for them, noting them, and bringing them about.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use galaxy_core::{GameId, Timestamp};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use tokio::{
    io::{Interest, unix::AsyncFd},
    process::Child,
};

use super::{
    environment,
    home::NotedExit,
    lock::Lock,
    place::Place,
    procfs::{Liveness, ProcessId},
};
use crate::DriverEvent;

/// How often an engine that starts is looked at for its port, and for how long: later, the verbs find it.
const PORT_POLL_INTERVAL: Duration = Duration::from_millis(20);
const PORT_WAIT: Duration = Duration::from_mins(1);
/// How long the end of an engine waits for a verb of the same game.
const LOCK_WAIT: Duration = Duration::from_secs(30);

impl Place {
    /// Tells when an engine that we started says where it listens, and when it ends, which is noted. Until this process drains:
    /// the engine goes on without us.
    pub(super) fn watch_child(self: &Arc<Self>, game: GameId, process: &ProcessId, child: Child) {
        self.known.begin_watch(process);
        let (place, process) = (self.clone(), process.clone());
        let draining = self.tasks.draining();
        self.tasks.spawn("engine", async move {
            let mut child = child;
            let ended = async {
                match Ending::of(&process, &place.boot) {
                    Some(ending) => ending.wait().await,
                    // Without a handle it is reaped before the lock is held, and what it leaves in its group stays.
                    None => drop(child.wait().await),
                }
            };
            tokio::select! {
                () = ended => {}
                () = place.tell_of_port(game) => {}
                () = draining.cancelled() => return,
            }
            let noting = place.clone();
            let note = move || noting.note_end(game, &process, child);
            if let Ok(Err(error)) = tokio::task::spawn_blocking(note).await {
                tracing::warn!(game_id = %game, %error, "the end of an engine cannot be noted");
            }
            place.tell(game);
        });
    }

    /// Tells when the engine has said where it listens; does not return.
    async fn tell_of_port(&self, game: GameId) {
        let file = self.root.home(game).port_file();
        let written = async {
            while !tokio::fs::try_exists(&file).await.unwrap_or(false) {
                tokio::time::sleep(PORT_POLL_INTERVAL).await;
            }
        };
        if tokio::time::timeout(PORT_WAIT, written).await.is_ok() {
            self.tell(game);
        }
        std::future::pending::<()>().await;
    }

    /// Tells when an engine ends that we did not start, if nobody does so yet.
    pub(super) fn watch_other(self: &Arc<Self>, game: GameId, process: &ProcessId) {
        if !self.known.begin_watch(process) {
            return;
        }
        let (place, process) = (self.clone(), process.clone());
        let draining = self.tasks.draining();
        self.tasks.spawn("engine", async move {
            let Some(ending) = Ending::of(&process, &place.boot) else {
                return;
            };
            tokio::select! {
                () = ending.wait() => {}
                () = draining.cancelled() => return,
            }
            place.known.forget(&process);
            place.wait_until_noted(&process).await;
            place.tell(game);
        });
    }

    /// Gives the manager that is the parent of `process`, which ended, a second to note how.
    async fn wait_until_noted(&self, process: &ProcessId) {
        for _ in 0..100 {
            if !matches!(process.liveness(&self.boot), Ok(Liveness::Unreaped)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills the engine at `at` if it is still there. A manager that dies before has it killed by the next verb.
    pub(super) fn kill_later(self: &Arc<Self>, game: GameId, process: &ProcessId, at: Timestamp) {
        if !self.known.begin_kill(process, at) {
            return;
        }
        let (place, process) = (self.clone(), process.clone());
        let wait = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
        let draining = self.tasks.draining();
        self.tasks.spawn("engine-kill", async move {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = draining.cancelled() => return,
            }
            let kill = move || place.kill(game, &process);
            if let Ok(Err(error)) = tokio::task::spawn_blocking(kill).await {
                tracing::warn!(game_id = %game, %error, "an engine cannot be killed");
            }
        });
    }

    fn kill(&self, game: GameId, process: &ProcessId) -> io::Result<()> {
        let home = self.root.home(game);
        let _lock = Lock::take(&home.lock_file(), LOCK_WAIT)?;
        if process.liveness(&self.boot)? == Liveness::Alive {
            tracing::warn!(game_id = %game, pid = process.pid(), "an engine does not end; killing it");
            process.signal_group(Signal::KILL)?;
        }
        Ok(())
    }

    /// Reaps `child`, kills what is left of its group, and notes how it ended.
    fn note_end(&self, game: GameId, process: &ProcessId, mut child: Child) -> io::Result<()> {
        let home = self.root.home(game);
        let lock = Lock::take(&home.lock_file(), LOCK_WAIT);
        // Not reaped yet, so that its group is still its own.
        process.signal_group(Signal::KILL)?;
        let status = child.try_wait()?;
        self.known.forget(process);
        let _lock = lock?;
        let Some(mut note) = home.note()? else {
            return Ok(());
        };
        if note.process.as_ref() != Some(process) {
            return Ok(());
        }
        environment::kill_leftovers(&home.state_dir(), &self.boot)?;
        note.exit = Some(NotedExit {
            code: status.and_then(exit_code),
            at: Some(self.clock.now()),
        });
        tracing::info!(game_id = %game, epoch = note.epoch, code = note.exit().code, "an engine ended");
        home.write_note(&note)
    }

    fn tell(&self, game: GameId) {
        // Nobody may be listening.
        self.events.tell(DriverEvent::Changed(game));
    }
}

/// As a shell says it.
fn exit_code(status: ExitStatus) -> Option<i32> {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
}

/// The end of a process that need not be our child.
struct Ending(AsyncFd<OwnedFd>);

impl Ending {
    /// `None` if the process is gone, or if the kernel is older than 5.3 or keeps us from waiting.
    #[expect(
        deprecated,
        reason = "sound for a descriptor that is owned and never replaced; its successor is an unsafe function"
    )]
    fn of(process: &ProcessId, boot: &str) -> Option<Self> {
        let pid = Pid::from_raw(process.pid())?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // The handle holds on to one process; only now it is sure which.
        if process.liveness(boot).ok()? == Liveness::Gone {
            return None;
        }
        AsyncFd::with_interest(handle, Interest::READABLE)
            .ok()
            .map(Self)
    }

    async fn wait(self) {
        if let Err(error) = self.0.readable().await {
            tracing::warn!(%error, "the end of a process cannot be awaited");
        }
    }
}
