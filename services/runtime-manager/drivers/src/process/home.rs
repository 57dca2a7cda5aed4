//! A game's directory: `epoch` (the newest epoch that was asked for), `engine.json` (what runs or ran), `port` (where it
//! says that it listens), `log`, `log.previous`, `lock`, and `state/`, the engine's own.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use galaxy_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::{durable, log, procfs::ProcessId};
use crate::{EngineSpec, Exit};

/// Log limit of engines that were started before it was noted, in bytes.
const OLD_LOG_LIMIT: u64 = 4 << 20;

/// What is noted of an engine. Engines of versions before epochs have none of the defaulted fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(default)]
    pub(super) epoch: i64,
    #[serde(default)]
    pub(super) digest: String,
    #[serde(alias = "engine_version")]
    pub(super) version: String,
    #[serde(default = "old_log_limit")]
    pub(super) log_limit: u64,
    /// Its process; `None` from just before the spawn to just after it.
    #[serde(flatten)]
    pub(super) process: Option<ProcessId>,
    /// It was told to end and is killed then.
    #[serde(default)]
    pub(super) kill_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) exit: Option<NotedExit>,
}

/// How an engine ended; both `None` if nobody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NotedExit {
    pub(super) code: Option<i32>,
    pub(super) at: Option<Timestamp>,
}

impl Note {
    /// Of an engine that is about to be started.
    pub(super) fn of(spec: &EngineSpec) -> Self {
        Self {
            epoch: spec.epoch,
            digest: spec.digest.clone(),
            version: spec.version.clone(),
            log_limit: spec.log_limit,
            process: None,
            kill_at: None,
            exit: None,
        }
    }

    /// Of an engine that was found without a note.
    pub(super) const fn lost(epoch: i64) -> Self {
        Self {
            epoch,
            digest: String::new(),
            version: String::new(),
            log_limit: OLD_LOG_LIMIT,
            process: None,
            kill_at: None,
            exit: None,
        }
    }

    /// Whether this is an engine that `spec` asks for.
    pub(super) fn is(&self, spec: &EngineSpec) -> bool {
        self.epoch == spec.epoch && self.digest == spec.digest && self.version == spec.version
    }

    pub(super) fn exit(&self) -> Exit {
        Exit {
            epoch: self.epoch,
            code: self.exit.and_then(|exit| exit.code),
            oom: false,
            at: self.exit.and_then(|exit| exit.at),
        }
    }
}

/// A game's directory, which need not be there.
#[derive(Debug, Clone)]
pub(super) struct Home(PathBuf);

impl Home {
    pub(super) const fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.0.join("state")
    }

    pub(super) fn port_file(&self) -> PathBuf {
        self.0.join("port")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    pub(super) fn previous_log(&self) -> PathBuf {
        self.0.join("log.previous")
    }

    fn note_file(&self) -> PathBuf {
        self.0.join("engine.json")
    }

    fn epoch_file(&self) -> PathBuf {
        self.0.join("epoch")
    }

    pub(super) fn has_state(&self) -> io::Result<bool> {
        self.state_dir().try_exists()
    }

    pub(super) fn note(&self) -> io::Result<Option<Note>> {
        let file = self.note_file();
        durable::read(&file)?
            .map(|content| serde_json::from_slice(&content))
            .transpose()
            .map_err(|error| durable::unreadable(&file, error))
    }

    pub(super) fn write_note(&self, note: &Note) -> io::Result<()> {
        durable::write(&self.note_file(), &serde_json::to_vec(note)?)
    }

    /// The newest epoch that an engine was made, slept or deleted under; it outlives the engine. 0 if there was none.
    pub(super) fn epoch(&self) -> io::Result<i64> {
        let file = self.epoch_file();
        let Some(content) = durable::read(&file)? else {
            return Ok(self.note()?.map_or(0, |note| note.epoch));
        };
        String::from_utf8_lossy(&content)
            .trim()
            .parse()
            .map_err(|error| durable::unreadable(&file, error))
    }

    /// From now on verbs of epochs below `epoch` are refused, whatever happens to this machine.
    pub(super) fn raise_epoch(&self, epoch: i64) -> io::Result<()> {
        if epoch > self.epoch()? {
            durable::write(&self.epoch_file(), format!("{epoch}\n").as_bytes())?;
        }
        Ok(())
    }

    /// Makes the directories, forgets the address of the last engine, sets its log aside and opens a new one.
    pub(super) fn prepare(&self, log_limit: u64) -> io::Result<File> {
        fs::create_dir_all(self.state_dir())?;
        durable::remove(&self.port_file())?;
        log::set_aside(&self.log(), &self.previous_log(), log_limit)?;
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
    }

    /// Forgets the engine; state, log and epoch stay.
    pub(super) fn forget_engine(&self) -> io::Result<()> {
        durable::remove(&self.port_file())?;
        durable::remove(&self.note_file())
    }

    /// The port that the engine says it listens at on 127.0.0.1; `None` before it says anything. Errors: what it says, if
    /// that is something else.
    pub(super) fn port(&self) -> io::Result<Option<Result<u16, String>>> {
        let file = self.port_file();
        // An engine may put anything there: a pipe would never end, a link would lead elsewhere.
        match fs::symlink_metadata(&file) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Ok(Some(Err("its port file is not a file".to_owned()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(durable::naming(&file)(error)),
        }
        let mut content = vec![];
        File::open(&file)?.take(64).read_to_end(&mut content)?;
        if content.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&content);
        let refused = || format!("its port file says {text:?}, not 127.0.0.1 and a port");
        Ok(Some(parse_port(&text).ok_or_else(refused)))
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let address: SocketAddr = text.trim().parse().ok()?;
    (address.ip() == Ipv4Addr::LOCALHOST && address.port() != 0).then(|| address.port())
}

const fn old_log_limit() -> u64 {
    OLD_LOG_LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_of_this_machine_is_taken_from_the_port_file() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().to_owned());
        assert_eq!(home.port().unwrap(), None);
        for (text, port) in [
            ("127.0.0.1:4100\n", Some(4100)),
            ("127.0.0.1:0", None),
            ("10.0.0.1:4100", None),
            ("0.0.0.0:4100", None),
            ("localhost:4100", None),
            ("[::1]:4100", None),
            ("127.0.0.1:4100 and more", None),
            ("\0", None),
        ] {
            fs::write(home.port_file(), text).unwrap();
            assert_eq!(home.port().unwrap().unwrap().ok(), port, "{text:?}");
        }
        fs::write(home.port_file(), "").unwrap();
        assert_eq!(home.port().unwrap(), None, "not written yet");
        fs::remove_file(home.port_file()).unwrap();
        std::os::unix::fs::symlink("/dev/zero", home.port_file()).unwrap();
        assert!(home.port().unwrap().unwrap().is_err(), "a link");
    }

    #[test]
    fn the_epoch_only_grows_and_outlives_the_engine() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().to_owned());
        assert_eq!(home.epoch().unwrap(), 0);
        home.write_note(&Note::lost(2)).unwrap();
        assert_eq!(
            home.epoch().unwrap(),
            2,
            "of an engine without an epoch file"
        );
        home.raise_epoch(3).unwrap();
        home.raise_epoch(1).unwrap();
        home.forget_engine().unwrap();
        assert_eq!(home.epoch().unwrap(), 3);
        assert_eq!(home.note().unwrap(), None);
    }

    #[test]
    fn a_note_of_the_version_before_epochs_is_understood() {
        let note =
            r#"{"pid":7,"started":99,"image_ref":"process:engine","engine_version":"0.1.0"}"#;
        let note: Note = serde_json::from_str(note).unwrap();
        assert_eq!((note.epoch, note.version.as_str()), (0, "0.1.0"));
        assert_eq!(note.process.map(|process| process.pid()), Some(7));
        let note = Note::lost(3);
        let text = serde_json::to_string(&note).unwrap();
        assert_eq!(serde_json::from_str::<Note>(&text).unwrap(), note);
    }
}
