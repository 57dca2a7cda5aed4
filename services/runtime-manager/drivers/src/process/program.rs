//! Programs: what an image names here, and what is in it.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::{File, Metadata},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::{DriverError, Result};

/// The programs of this machine, and the digests of those that were read.
#[derive(Debug)]
pub(super) struct Programs {
    default: PathBuf,
    digests: Mutex<HashMap<PathBuf, (Version, String)>>,
}

/// Changes when a file is written or replaced, as far as one can tell without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

impl Programs {
    /// `default` is what `process:engine` means.
    pub(super) fn new(default: PathBuf) -> Self {
        Self {
            default,
            digests: Mutex::default(),
        }
    }

    /// The program of an image, which is there and may be run. Errors: [`DriverError::NoImage`].
    pub(super) fn find(&self, image: &str) -> Result<PathBuf> {
        Ok(self.inspect(image)?.0)
    }

    /// `sha256:` and the digest of the program's content. Errors: [`DriverError::NoImage`].
    pub(super) fn digest(&self, image: &str) -> Result<String> {
        let (path, file) = self.inspect(image)?;
        let version = Version::of(&file);
        if let Some((known, digest)) = self.digests.lock().get(&path)
            && *known == version
        {
            return Ok(digest.clone());
        }
        let digest = sha256(&path).map_err(|error| missing(&path, error))?;
        self.digests.lock().insert(path, (version, digest.clone()));
        Ok(digest)
    }

    fn inspect(&self, image: &str) -> Result<(PathBuf, Metadata)> {
        let path = match image.strip_prefix("process:") {
            Some("engine") => self.default.clone(),
            Some(path) if path.starts_with('/') => PathBuf::from(path),
            _ => {
                return Err(DriverError::no_image(format!(
                    "{image} is neither process:engine nor process: and an absolute path, and nothing else runs without containers"
                )));
            }
        };
        let file = path.metadata().map_err(|error| missing(&path, error))?;
        if !file.is_file() || file.permissions().mode() & 0o111 == 0 {
            return Err(missing(&path, "it is not a program"));
        }
        Ok((path, file))
    }
}

impl Version {
    fn of(file: &Metadata) -> Self {
        Self {
            inode: (file.dev(), file.ino()),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
        }
    }
}

fn missing(path: &Path, why: impl std::fmt::Display) -> DriverError {
    DriverError::no_image(format!("{}: {why}", path.display()))
}

fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 128 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let mut text = "sha256:".to_owned();
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn program(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_digest_names_the_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine");
        let programs = Programs::new(path.clone());
        program(&path, "one");
        let one = programs.digest("process:engine").unwrap();
        assert_eq!(
            one,
            "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
        );
        let image = format!("process:{}", path.display());
        assert_eq!(programs.digest(&image).unwrap(), one);
        program(&path, "other");
        assert_ne!(programs.digest(&image).unwrap(), one);
    }

    #[test]
    fn what_cannot_be_run_is_no_image() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine");
        let programs = Programs::new(path.clone());
        fs::write(&path, "no program").unwrap();
        for image in [
            "process:engine",
            "process:relative",
            "process:/",
            "process:/missing",
            "ghcr.io/galaxy/engine:1",
        ] {
            let refused = programs.find(image);
            assert!(matches!(refused, Err(DriverError::NoImage(_))), "{image}");
        }
    }
}
