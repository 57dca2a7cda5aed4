//! The lock on a game's directory, which keeps two managers (and two verbs of one) from working on a game at once.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How often a lock that is held is tried again.
const RETRY: Duration = Duration::from_millis(2);

/// A lock that is held; released when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock of the lock file `path`, waiting `wait` at most. Errors: `NotFound` if there is no such directory,
    /// `WouldBlock` if somebody else holds the lock for longer.
    pub(super) fn take(path: &Path, wait: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + wait;
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)?;
            match file.try_lock() {
                Ok(()) if is_still_at(&file, path)? => return Ok(Self(file)),
                // The directory was moved away or made anew meanwhile: the lock is on a file that nobody else looks at.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(RETRY),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do: a child between fork and exec has a copy of the descriptor.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a lock cannot be released");
        }
    }
}

fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match path.metadata() {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_a_directory_made_anew_has_a_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let game = directory.path().join("game");
        std::fs::create_dir(&game).unwrap();
        let path = game.join("lock");
        let held = Lock::take(&path, Duration::ZERO).unwrap();
        let refused = Lock::take(&path, Duration::ZERO).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);

        std::fs::rename(&game, directory.path().join("gone")).unwrap();
        let missing = Lock::take(&path, Duration::ZERO).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(!is_still_at(&held.0, &path).unwrap());
        std::fs::create_dir(&game).unwrap();
        let anew = Lock::take(&path, Duration::ZERO).unwrap();
        assert!(is_still_at(&anew.0, &path).unwrap());
        assert!(!is_still_at(&held.0, &path).unwrap());
        drop(held);
        let refused = Lock::take(&path, Duration::ZERO).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        drop(anew);
        Lock::take(&path, Duration::ZERO).unwrap();
    }
}
