//! How the servers of a stack are to be run, whichever source they come from.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use tempfile::TempDir;

use crate::{account, ports::Ports, ui::Ui};

/// Whether a server's data survive a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    Durable,
    /// Nothing is flushed to the disk, which is much faster: for tests.
    Volatile,
}

/// What Postgres and NATS are started with.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    pub ui: Ui,
    /// Fetched packages.
    pub cache: PathBuf,
    pub data: PathBuf,
    pub logs: PathBuf,
    pub ports: Ports,
    pub durability: Durability,
    /// In process groups of their own, so that a Ctrl-C of the terminal does not reach the servers.
    pub own_group: bool,
    /// Postgres' password; without one every local connection is trusted.
    pub password: Option<String>,
    /// Certificate and key of NATS, as PEM files; without them it does not encrypt.
    pub nats_tls: Option<(PathBuf, PathBuf)>,
}

impl ServerOptions {
    /// Servers for tests: free ports, nothing durable, everything under `dir`.
    pub fn for_tests(ui: Ui, cache: &Path, dir: &Path) -> Self {
        Self {
            ui,
            cache: cache.to_owned(),
            data: dir.to_owned(),
            logs: dir.to_owned(),
            ports: Ports::Free,
            durability: Durability::Volatile,
            own_group: false,
            password: None,
            nats_tls: None,
        }
    }
}

/// A directory under the system's temporary one. Root's lets other accounts through, since Postgres runs under one.
pub fn temporary_dir() -> Result<TempDir> {
    let dir = tempfile::Builder::new().prefix("galaxy-stack-").tempdir()?;
    if account::is_root() {
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711))?;
    }
    Ok(dir)
}
