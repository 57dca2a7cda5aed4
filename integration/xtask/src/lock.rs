//! One `up` per checkout: a locked file that holds the supervisor's process id.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::Path,
};

use anyhow::{Context, Result, bail};
use galaxy_stack::Layout;

/// Held while this process supervises the stack.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes it and writes this process id into it; an error if another `up` runs.
    pub fn take(layout: &Layout) -> Result<Self> {
        match try_take(&layout.lock())? {
            Some(mut lock) => {
                lock.0.set_len(0)?;
                write!(lock.0, "{}", std::process::id())?;
                Ok(lock)
            }
            None => bail!(
                "it is already running{}; `cargo xtask down` stops it, {} says where it listens",
                holder(layout).map_or_else(String::new, |pid| format!(" (process {pid})")),
                layout.stack_file().display()
            ),
        }
    }

    /// Whether another process holds it.
    pub fn is_taken(layout: &Layout) -> Result<bool> {
        Ok(try_take(&layout.lock())?.is_none())
    }
}

/// The process id of its holder.
pub fn holder(layout: &Layout) -> Option<u32> {
    fs::read_to_string(layout.lock()).ok()?.trim().parse().ok()
}

fn try_take(path: &Path) -> Result<Option<Lock>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_it_at_a_time_and_a_killed_holder_releases_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("up.lock");
        let first = try_take(&path).unwrap();
        assert!(first.is_some() && try_take(&path).unwrap().is_none());
        drop(first);
        assert!(try_take(&path).unwrap().is_some());
    }
}
