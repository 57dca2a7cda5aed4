//! Files that are there whole or not at all, also after the machine lost its power.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Writes `file`, which is the old one or the new one at any time. The caller keeps other writers of it away.
pub(super) fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let part = file.with_added_extension("part");
    write_new(&part, content)?;
    fs::rename(&part, file)?;
    sync_parent(file)
}

/// Makes `file` unless it is there already: of several writers exactly one wins. `unique` tells them apart.
pub(super) fn create(file: &Path, content: &[u8], unique: &str) -> io::Result<()> {
    let part = file.with_added_extension(unique);
    write_new(&part, content)?;
    let linked = fs::hard_link(&part, file);
    fs::remove_file(&part)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_parent(file),
    }
}

/// Removes `file`, which need not be there.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The content of `file`; `None` if it is not there.
pub(super) fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(naming(file)(error)),
    }
}

/// Puts the name of `file` before the text of an error.
pub(super) fn naming(file: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

/// The content of `file` is not what this driver writes there.
pub(super) fn unreadable(file: &Path, why: impl std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: {why}", file.display()),
    )
}

fn write_new(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut written = File::create(file).map_err(naming(file))?;
    written.write_all(content)?;
    written.sync_all()
}

fn sync_parent(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
