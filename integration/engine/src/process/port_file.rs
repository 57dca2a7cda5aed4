//! The file that tells a parent which port the engine was given.

use std::{fs, io, net::SocketAddr, path::Path};

use crate::store::write_atomically;
use anyhow::Context;

/// The address of an earlier run must not be taken for ours.
pub(super) fn remove(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| cannot("write", file))
        }
        _ => Ok(()),
    }
}

pub(super) fn write(file: &Path, address: SocketAddr) -> anyhow::Result<()> {
    write_atomically(file, |out| writeln!(out, "{address}")).with_context(|| cannot("write", file))
}

pub(super) fn read(file: &Path) -> anyhow::Result<SocketAddr> {
    let text = fs::read_to_string(file).with_context(|| cannot("read", file))?;
    text.trim().parse().with_context(|| cannot("read", file))
}

fn cannot(what: &str, file: &Path) -> String {
    format!("cannot {what} --port-file {}", file.display())
}
