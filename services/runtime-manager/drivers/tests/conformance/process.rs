//! The suite for the driver `process`.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use galaxy_core::{Clock, GameId};
use galaxy_drivers::{Driver, Instance, ProcessConfig, ProcessDriver};
use galaxy_service::Tasks;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Harness, Kind, Program, Running};

conformance!(Node::ready);

/// Scripts that do as their [`Kind`] says.
pub const OTHER: &str = "exec \"$ENGINE\"";
pub const EXITS_WITH_7: &str = "exit 7";
pub const IGNORES_TERM: &str = "trap '' TERM\n\"$ENGINE\" &\nwhile :; do sleep 1; done";
pub const FORKS: &str = "sleep 600 &\nsetsid sleep 600 &\nexec \"$ENGINE\"";

/// A directory of engines. Everything that runs on it ends with it.
pub struct Node {
    directory: tempfile::TempDir,
    pub tasks: Tasks,
}

impl Node {
    /// For the suite, which waits for its nodes.
    fn ready() -> std::future::Ready<Self> {
        std::future::ready(Self::new())
    }

    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            tasks: Tasks::new(),
        }
    }

    /// A driver whose background work runs in `tasks`.
    pub fn driver_with(&self, tasks: &Tasks) -> ProcessDriver {
        let config = ProcessConfig {
            deployment: "test".to_owned(),
            directory: self.directory.path().to_owned(),
            binary: reference_engine(),
            stop_timeout: Duration::from_secs(20),
        };
        ProcessDriver::new(config, tasks, Clock::system()).unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.directory.path().join("test")
    }

    pub fn home(&self, game: GameId) -> PathBuf {
        self.root().join(game.to_string())
    }

    /// The image of a shell script, in which `$ENGINE` is the reference engine.
    pub fn script(&self, name: &str, text: &str) -> String {
        let path = script(self.directory.path(), name, text);
        format!("process:{}", path.display())
    }
}

impl Harness for Node {
    fn keeps_previous_log(&self) -> bool {
        true
    }

    async fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(self.driver_with(&self.tasks))
    }

    fn program(&self, kind: Kind) -> Program {
        let image = match kind {
            Kind::Reference => "process:engine".to_owned(),
            Kind::Other => self.script("other", OTHER),
            Kind::ExitsWith7 => self.script("exits", EXITS_WITH_7),
            Kind::IgnoresTerm => self.script("ignores", IGNORES_TERM),
            Kind::Forks => self.script("forks", FORKS),
            Kind::Missing => "process:/nowhere/engine".to_owned(),
        };
        Program {
            image,
            environment: vec![],
        }
    }

    async fn kill(&self, game: GameId) {
        for pid in leaders(&processes(&self.home(game).join("state"))) {
            kill_process(pid, Signal::KILL).unwrap();
        }
    }

    async fn running(&self, game: GameId) -> Running {
        let processes = processes(&self.home(game).join("state"));
        Running {
            engines: leaders(&processes).len(),
            processes: processes.len(),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for pid in processes(self.directory.path()) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Makes a shell script, in which `$ENGINE` is the reference engine.
pub fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    let engine = reference_engine();
    let text = format!("#!/bin/sh\nENGINE='{}'\n{text}\n", engine.display());
    let path = directory.join(name);
    // Written under another name: a program that is open for writing cannot be run.
    if !path.exists() {
        let part = path.with_extension(format!("part{}", GameId::generate()));
        fs::write(&part, text).unwrap();
        fs::set_permissions(&part, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(part, &path).unwrap();
    }
    path
}

/// The process of a run.
pub fn pid(instance: &Instance) -> Pid {
    let (pid, _) = instance.container_id.split_once('-').unwrap();
    Pid::from_raw(pid.parse().unwrap()).unwrap()
}

/// The processes that run with a state directory in `directory`, or with it itself.
pub fn processes(directory: &Path) -> Vec<Pid> {
    let state_dir = [b"ENGINE_STATE_DIR=", directory.as_os_str().as_bytes()].concat();
    let on_it = |pid: &Pid| {
        let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
        let environment = environment.unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable.starts_with(&state_dir))
    };
    let pid = |entry: fs::DirEntry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(pid).filter(on_it).collect()
}

/// Those that lead a group and have no parent among the others.
pub fn leaders(processes: &[Pid]) -> Vec<Pid> {
    let parent = |pid: &Pid| {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let parent: i32 = fields.nth(1)?.parse().ok()?;
        Pid::from_raw(parent)
    };
    let top = |pid: &&Pid| parent(pid).is_some_and(|parent| !processes.contains(&parent));
    processes.iter().filter(top).copied().collect()
}

/// The reference engine, built beside this test.
pub fn reference_engine() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("engine");
    assert!(
        program.is_file(),
        "{} is not there: build it first with `cargo build -p galaxy-engine`",
        program.display()
    );
    program
}
