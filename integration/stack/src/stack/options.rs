//! What a stack is started with: the local one of `cargo xtask up`, or a test's own in a temporary directory.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Driver, Layout, Ports, Secrets, Service, Ui,
    engines::Engines,
    env,
    server_options::{Durability, ServerOptions, temporary_dir},
};

/// The argument of [`super::Stack::start`].
#[derive(Debug)]
pub struct StackOptions {
    pub(crate) servers: ServerOptions,
    pub(crate) binaries: PathBuf,
    pub(crate) engines: Engines,
    pub(crate) replicas: Vec<(Service, usize)>,
    pub(crate) secrets: Secrets,
    pub(crate) postgres_url: Option<String>,
    pub(crate) nats_url: Option<String>,
    pub(crate) fresh_database: Option<String>,
    pub(crate) given: Vec<(String, String)>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) dir: Option<TempDir>,
}

impl StackOptions {
    /// The stack of `cargo xtask up`: documented ports, durable data. Settings in the environment are passed on.
    pub fn local(layout: &Layout, driver: Driver, ui: Ui) -> Result<Self> {
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
        Ok(Self {
            servers,
            binaries: layout.binaries().to_owned(),
            engines: Engines::new(driver, layout.engines(), layout.deployment()),
            replicas: Vec::new(),
            secrets,
            postgres_url: env::var(env::POSTGRES_URL),
            nats_url: env::var(env::NATS_URL),
            fresh_database: None,
            given: env::settings(),
            env: Vec::new(),
            dir: None,
        })
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
            engines: Engines::new(
                Driver::Process,
                dir.path().join("engines"),
                format!("test-{id}"),
            ),
            replicas: Vec::new(),
            secrets: Secrets::make(),
            postgres_url,
            nats_url: None,
            fresh_database: Some(format!("galaxy_stack_{id}")),
            given: Vec::new(),
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

    /// Runs engines in containers of `image`, which must be there.
    #[must_use]
    pub fn in_docker(mut self, image: String) -> Self {
        self.engines.driver = Driver::Docker;
        self.engines.image = image;
        self
    }

    /// Starts so many of a process.
    #[must_use]
    pub fn replicas(mut self, service: Service, number: usize) -> Self {
        self.replicas.retain(|(other, _)| *other != service);
        self.replicas.push((service, number));
        self
    }

    /// Whether nothing is to be left at the end.
    pub(crate) fn is_temporary(&self) -> bool {
        self.dir.is_some()
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
