//! Postgres and NATS for one stack, each from the first source that has it: a URL given in the
//! environment, a program on this machine, a fetched package, a container.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{account, nats::Nats, ports::Ports, postgres::Postgres, ui::Ui};

/// How hard a server tries to keep data through a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    Kept,
    /// Not at all, and much faster: for tests.
    Fleeting,
}

/// What is wanted of a server, whichever source it comes from.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Says what is going on.
    pub ui: Ui,
    /// Where fetched packages are.
    pub cache: PathBuf,
    /// Where data live.
    pub data: PathBuf,
    /// Where logs are written.
    pub logs: PathBuf,
    /// Which port.
    pub ports: Ports,
    /// Whether data matter.
    pub durability: Durability,
    /// Whether a Ctrl-C of the terminal must pass the servers by.
    pub own_group: bool,
    /// Postgres' password; none lets everybody on this machine in.
    pub password: Option<String>,
}

impl Wanted {
    /// Servers for tests: free ports, nothing durable, everything under `dir`.
    pub fn for_tests(ui: Ui, cache: &Path, dir: &Path) -> Self {
        Self {
            ui,
            cache: cache.to_owned(),
            data: dir.to_owned(),
            logs: dir.to_owned(),
            ports: Ports::Free,
            durability: Durability::Fleeting,
            own_group: false,
            password: None,
        }
    }
}

/// Both servers, with their data in a directory that goes when they do.
#[derive(Debug)]
pub struct Servers {
    /// Postgres.
    pub postgres: Postgres,
    /// NATS with `JetStream`.
    pub nats: Nats,
    _dir: tempfile::TempDir,
}

impl Servers {
    /// Starts servers for tests on free ports. `cache` keeps fetched packages.
    pub async fn for_tests(ui: Ui, cache: &Path) -> Result<Self> {
        let dir = temporary_dir()?;
        let wanted = Wanted::for_tests(ui, cache, dir.path());
        let postgres = Postgres::provide(&wanted, None).await?;
        let nats = Nats::provide(&wanted, None).await?;
        Ok(Self {
            postgres,
            nats,
            _dir: dir,
        })
    }

    /// Stops both.
    pub async fn stop(mut self) -> Result<()> {
        let nats = self.nats.stop().await;
        self.postgres.stop().await.and(nats)
    }
}

/// A directory under the system's temporary one; if we are root, others may pass through it.
pub fn temporary_dir() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::Builder::new().prefix("galaxy-stack-").tempdir()?;
    if account::is_root() {
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711))?;
    }
    Ok(dir)
}

/// Collects why each source was passed over, for the message when none is left.
#[derive(Debug, Default)]
pub struct PassedOver(Vec<String>);

impl PassedOver {
    /// Notes one reason.
    pub fn note(&mut self, source: &str, why: impl std::fmt::Display) {
        self.0.push(format!("  {source}: {why}"));
    }

    /// The error that lists them all.
    pub fn into_error(self, server: &str, variable: &str) -> anyhow::Error {
        anyhow::anyhow!(
            "no way to get {server} going; give one in {variable}\n{}",
            self.0.join("\n")
        )
    }
}
