//! The country database in memory. The file is read as a whole: it may be replaced at any time.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::SystemTime,
};

use maxminddb::{Reader, path};

/// Larger files are not read.
const LARGEST: u64 = 512 * 1024 * 1024;

/// Identifies a version of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

pub(super) struct Database {
    path: Option<PathBuf>,
    reader: RwLock<Option<Arc<Reader<Vec<u8>>>>>,
    seen: Mutex<Option<Stamp>>,
}

impl Database {
    /// Reads the file at `path`; logs once if there is none.
    pub fn open(path: Option<&Path>) -> Self {
        let database = Self {
            path: path.map(Path::to_owned),
            reader: RwLock::new(None),
            seen: Mutex::new(None),
        };
        if path.is_none() {
            tracing::info!("countries are not counted: BACKEND_GEOIP_DB_PATH is not set");
        } else if !database.reload() && !database.is_loaded() {
            tracing::warn!(
                "countries are not counted until there is a database at BACKEND_GEOIP_DB_PATH"
            );
        }
        database
    }

    pub fn is_loaded(&self) -> bool {
        self.reader().is_some()
    }

    pub fn country(&self, address: IpAddr) -> Option<String> {
        let reader = self.reader()?;
        let found = reader.lookup(address).ok()?;
        // MaxMind's own records are nested; freely usable databases often have flat ones.
        let nested = found
            .decode_path(&path!["country", "iso_code"])
            .ok()
            .flatten();
        let code: Option<String> =
            nested.or_else(|| found.decode_path(&path!["country_code"]).ok().flatten());
        code.filter(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()))
    }

    /// Reads the file if it has changed. If it cannot be read, the last one stays in use.
    pub fn reload(&self) -> bool {
        let Some(path) = &self.path else { return false };
        let Some(stamp) = stamp(path) else {
            return false;
        };
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.replace(stamp) == Some(stamp) {
                return false;
            }
        }
        match read(path, stamp) {
            Ok(reader) => {
                *self.reader.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Arc::new(reader));
                tracing::info!("the country database is read");
                true
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the country database cannot be read; the last one stays in use"
                );
                false
            }
        }
    }

    fn reader(&self) -> Option<Arc<Reader<Vec<u8>>>> {
        self.reader
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok(),
        length: metadata.len(),
    })
}

fn read(path: &Path, stamp: Stamp) -> anyhow::Result<Reader<Vec<u8>>> {
    anyhow::ensure!(stamp.length <= LARGEST, "it is larger than 512 MiB");
    Ok(Reader::from_source(fs::read(path)?)?)
}
