//! What a stack is started with: the local one of `cargo xtask up`, or a test's own in a temporary directory.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Layout, Ports, Secrets, Service, Ui, env,
    server_options::{Durability, ServerOptions, temporary_dir},
};

/// The argument of [`super::Stack::start`].
#[derive(Debug)]
pub struct StackOptions {
    pub(crate) servers: ServerOptions,
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
    /// The stack of `cargo xtask up`: documented ports, durable data.
    pub fn local(layout: &Layout, ui: Ui) -> Result<Self> {
        let secrets = Secrets::load_or_make(&layout.secrets())?;
        let servers = ServerOptions {
            ui,
            cache: layout.cache(),
            data: layout.data(),
            logs: layout.logs(),
            ports: Ports::Documented,
            durability: Durability::Durable,
            own_group: true,
            password: Some(secrets.postgres_password.clone()),
        };
        let options = Self {
            servers,
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
    /// names one, and a NATS server of its own, since streams belong to the whole server.
    pub fn for_test() -> Result<Self> {
        let layout = Layout::of_checkout()?;
        let dir = temporary_dir()?;
        let id = Uuid::now_v7().simple().to_string();
        let postgres_url = env::var(env::TEST_POSTGRES_URL).or_else(|| env::var("DATABASE_URL"));
        Ok(Self {
            servers: ServerOptions::for_tests(Ui::quiet(), &layout.cache(), dir.path()),
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

    /// Sets a variable of every process.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn logs(&self) -> &Path {
        &self.servers.logs
    }

    /// An error that names the programs that must be built first.
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

fn missing_programs(binaries: &Path) -> Vec<&'static str> {
    Service::ALL
        .iter()
        .map(|service| service.name())
        .chain(["engine"])
        .filter(|name| !binaries.join(name).is_file())
        .collect()
}
