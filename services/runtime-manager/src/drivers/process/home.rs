//! A game's directory: `engine.json` (what runs), `port` (where it listens), `log`, and `state/`, the engine's own.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use galaxy_core::GameId;
use serde::{Deserialize, Serialize};

use super::procfs::Running;
use crate::drivers::{EngineSpec, Instance, Observed, Removal};

/// A log that has grown beyond this is set aside at the next start, in bytes.
const LOG_LIMIT: u64 = 4 << 20;

/// What was noted of the engine that was started last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub pid: i32,
    pub started: u64,
    pub image_ref: String,
    pub engine_version: String,
}

/// A game's directory, which need not be there yet.
pub(super) struct Home(PathBuf);

impl Home {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.0.join("state")
    }

    pub(super) fn port_file(&self) -> PathBuf {
        self.0.join("port")
    }

    fn note_file(&self) -> PathBuf {
        self.0.join("engine.json")
    }

    fn log_file(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Makes the directories, forgets the address of the last engine and opens the log.
    pub(super) fn prepare(&self) -> io::Result<fs::File> {
        fs::create_dir_all(self.state_dir())?;
        remove_file(&self.port_file())?;
        let log = self.log_file();
        if fs::metadata(&log).is_ok_and(|file| file.len() > LOG_LIMIT) {
            fs::rename(&log, self.0.join("log.old"))?;
        }
        fs::OpenOptions::new().create(true).append(true).open(log)
    }

    /// Notes what was started, whole or not at all.
    pub(super) fn write_note(&self, note: &Note) -> io::Result<()> {
        let part = self.0.join("engine.json.part");
        let mut file = fs::File::create(&part)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        file.sync_all()?;
        fs::rename(part, self.note_file())
    }

    fn note(&self) -> Option<Note> {
        serde_json::from_slice(&fs::read(self.note_file()).ok()?).ok()
    }

    /// The engine that runs here: the one that was noted, or one whose note was lost.
    pub(super) fn running(&self) -> Option<Running> {
        let state_dir = self.state_dir();
        let noted = self
            .note()
            .and_then(|note| Running::find(note.pid, Some(note.started), &state_dir));
        noted.or_else(|| state_dir.is_dir().then(|| Running::search(&state_dir))?)
    }

    /// Whether what was started last is what `spec` says.
    pub(super) fn runs(&self, spec: &EngineSpec) -> bool {
        self.note().is_some_and(|note| {
            note.image_ref == spec.image_ref && note.engine_version == spec.engine_version
        })
    }

    /// The engine with its address, once it has told it.
    pub(super) fn instance(&self, running: &Running) -> Option<Instance> {
        let address = fs::read_to_string(self.port_file()).ok()?;
        Some(Instance {
            container_id: format!("{}-{}", running.pid(), running.started()),
            endpoint: format!("http://{}", address.trim()).parse().ok()?,
        })
    }

    pub(super) fn observe(&self) -> Option<Observed> {
        if let Some(running) = self.running() {
            return Some(
                self.instance(&running)
                    .map_or(Observed::ComingUp, Observed::Running),
            );
        }
        if self.note_file().exists() {
            return Some(if self.has_state() {
                Observed::Exited
            } else {
                return None;
            });
        }
        self.has_state().then_some(Observed::StateOnly)
    }

    fn has_state(&self) -> bool {
        fs::read_dir(self.state_dir()).is_ok_and(|mut entries| entries.next().is_some())
    }

    pub(super) fn remove(&self, what: Removal) -> io::Result<()> {
        match what {
            Removal::KeepState => {
                remove_file(&self.note_file())?;
                remove_file(&self.port_file())
            }
            Removal::Everything => match fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// The last `bytes` of the log; empty if there is none.
    pub(super) fn log_tail(&self, bytes: u64) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = fs::File::open(self.log_file())?;
            let from = file.metadata()?.len().saturating_sub(bytes);
            file.seek(SeekFrom::Start(from))?;
            let mut tail = vec![];
            file.take(bytes).read_to_end(&mut tail)?;
            Ok(tail)
        };
        String::from_utf8_lossy(&read().unwrap_or_default())
            .trim()
            .to_owned()
    }
}

/// What there is in each game's directory under `root`.
pub(super) fn list(root: &Path) -> io::Result<Vec<(GameId, Observed)>> {
    let games = fs::read_dir(root)?.filter_map(|entry| {
        let entry = entry.ok()?;
        let game: GameId = entry.file_name().to_str()?.parse().ok()?;
        Some((game, Home::new(entry.path()).observe()?))
    });
    Ok(games.collect())
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
