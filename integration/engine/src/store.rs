//! A game in a directory: `game.json` is its state, `turns/<n>.json` the state in which turn `n`
//! was left, `lock` keeps a second engine out.
//!
//! A file is written beside its place, flushed to the disk and renamed, so a crash at any moment
//! leaves the old state or the new one. The number of turns is bounded, and so is the directory.

use std::{
    fs::{self, File, TryLockError},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::game::{FORMAT, Game};

/// The directory of one game, held by this process alone.
#[derive(Debug)]
pub struct StateDir {
    root: PathBuf,
    /// Unlocked by the operating system when the process ends, however it ends.
    _lock: File,
}

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be made or written.
    #[error(
        "cannot use the state directory {path}: mount a writable directory there or choose another one with --state-dir"
    )]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another engine uses it.
    #[error("another engine uses the state directory {path}: stop it, or give this one its own")]
    InUse {
        /// Which.
        path: PathBuf,
    },
}

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("cannot access {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a game.
    #[error("{path} is damaged: restore it from a backup")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The file was written by another version of the engine.
    #[error(
        "{path} has format {found}, this engine reads {FORMAT}: run the engine version that wrote it"
    )]
    OtherFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

impl StateDir {
    /// Takes hold of the directory, making it if needed.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable {
            path: root.to_owned(),
            source,
        };
        fs::create_dir_all(root.join("turns")).map_err(unusable)?;
        let lock = File::create(root.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
                path: root.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// The game of this directory, if one was saved.
    pub fn load(&self) -> Result<Option<Game>, StoreError> {
        read(&self.current())
    }

    /// Makes this the state of the game. On an error the state is the old one or the new one.
    pub fn save(&self, game: &Game) -> Result<(), StoreError> {
        write(&self.current(), game)
    }

    /// Keeps the state in which its turn is left.
    pub fn archive(&self, game: &Game) -> Result<(), StoreError> {
        write(&self.archived(game.turn), game)
    }

    /// The state in which that turn was left.
    pub fn recall(&self, turn: u32) -> Result<Option<Game>, StoreError> {
        read(&self.archived(turn))
    }

    fn current(&self) -> PathBuf {
        self.root.join("game.json")
    }

    fn archived(&self, turn: u32) -> PathBuf {
        self.root.join("turns").join(format!("{turn}.json"))
    }
}

/// Read before the rest, which another format may have shaped differently.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn read(path: &Path) -> Result<Option<Game>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(StoreError::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    let damaged = |source| StoreError::Damaged {
        path: path.to_owned(),
        source,
    };
    let Format { format: found } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if found != FORMAT {
        return Err(StoreError::OtherFormat {
            path: path.to_owned(),
            found,
        });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

fn write(path: &Path, game: &Game) -> Result<(), StoreError> {
    write_atomically(path, |file| {
        serde_json::to_writer(file, game).map_err(io::Error::from)
    })
    .map_err(|source| StoreError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file so that readers see all of it or none, after a power cut too.
pub fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = BufWriter::new(File::create(&temporary)?);
    content(&mut file)?;
    file.into_inner()?.sync_all()?;
    fs::rename(&temporary, path)?;
    // The rename itself lasts only when the directory is on the disk.
    match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
