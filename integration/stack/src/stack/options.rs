//! How a stack is wanted: the person's one in `.local`, or a test's own in a temporary directory.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tempfile::TempDir;
use uuid::Uuid;

use super::missing_programs;
use crate::{
    Durability, Layout, Ports, Secrets, Ui, env,
    provision::{Wanted, temporary_dir},
};

/// What [`super::Stack::start`] needs to know.
#[derive(Debug)]
pub struct StackOptions {
    pub(crate) wanted: Wanted,
    pub(crate) binaries: PathBuf,
    pub(crate) engines: PathBuf,
    pub(crate) secrets: Secrets,
    pub(crate) postgres_url: Option<String>,
    pub(crate) nats_url: Option<String>,
    pub(crate) fresh_database: Option<String>,
    pub(crate) deployment: String,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) dir: Option<TempDir>,
}

impl StackOptions {
    /// The stack that `cargo xtask up` runs: documented ports, data that stay.
    pub fn local(layout: &Layout, ui: Ui) -> Result<Self> {
        let secrets = Secrets::load_or_make(&layout.secrets())?;
        let wanted = Wanted {
            ui,
            cache: layout.cache(),
            data: layout.data(),
            logs: layout.logs(),
            ports: Ports::Documented,
            durability: Durability::Kept,
            own_group: true,
            password: Some(secrets.postgres_password.clone()),
        };
        let options = Self {
            wanted,
            binaries: layout.binaries().to_owned(),
            engines: layout.engines(),
            secrets,
            postgres_url: env::var(env::POSTGRES_URL),
            nats_url: env::var(env::NATS_URL),
            fresh_database: None,
            deployment: "local".to_owned(),
            env: Vec::new(),
            dir: None,
        };
        Ok(options.env(
            "BACKEND_LOG",
            env::var("BACKEND_LOG").as_deref().unwrap_or("info"),
        ))
    }

    /// A stack for one test: free ports, a database of its own on the test server if the environment
    /// names one, a NATS server of its own because streams are the server's.
    pub fn for_test() -> Result<Self> {
        let layout = Layout::of_checkout()?;
        let dir = temporary_dir()?;
        let id = Uuid::now_v7().simple().to_string();
        let postgres_url = env::var(env::TEST_POSTGRES_URL).or_else(|| env::var("DATABASE_URL"));
        Ok(Self {
            wanted: Wanted::for_tests(Ui::quiet(), &layout.cache(), dir.path()),
            binaries: layout.binaries().to_owned(),
            engines: dir.path().join("engines"),
            secrets: Secrets::make(),
            postgres_url,
            nats_url: None,
            fresh_database: Some(format!("galaxy_stack_{id}")),
            deployment: format!("test-{id}"),
            env: Vec::new(),
            dir: Some(dir),
        })
    }

    /// With a variable for every process.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The directory of this stack's logs.
    pub fn logs(&self) -> &Path {
        &self.wanted.logs
    }

    /// An error that says what to run if a program was not built.
    pub fn check_built(&self) -> Result<()> {
        let missing = missing_programs(&self.binaries);
        if !missing.is_empty() {
            bail!(
                "not built in {}: {}; run `cargo build --workspace` first",
                self.binaries.display(),
                missing.join(", ")
            );
        }
        Ok(())
    }
}
