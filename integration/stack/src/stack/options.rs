//! What a stack is started with: the local one of `cargo xtask up`, or a test's own in a temporary directory.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Driver, Layout, Ports, Postgres, Secrets, Service, Ui,
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
    pub(crate) way: Way,
}

/// How processes reach Postgres: makes the URL that they get of the server's own.
pub(crate) struct Way(pub Box<dyn Fn(&str) -> String + Send + Sync>);

impl Way {
    fn direct() -> Self {
        Self(Box::new(str::to_owned))
    }
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Way")
    }
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
            nats_tls: None,
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
            way: Way::direct(),
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
            way: Way::direct(),
        })
    }

    /// Sets a variable of every process.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the programs of the processes in `dir`, for another version's.
    #[must_use]
    pub fn binaries(mut self, dir: PathBuf) -> Self {
        self.binaries = dir;
        self
    }

    /// Lets processes reach Postgres by another URL than the server's own, which `way` is given.
    #[must_use]
    pub fn postgres_by(mut self, way: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.way = Way(Box::new(way));
        self
    }

    /// Lets NATS encrypt, with a certificate and its key as PEM files.
    #[must_use]
    pub fn nats_with_tls(mut self, certificate: &Path, key: &Path) -> Self {
        self.servers.nats_tls = Some((certificate.to_owned(), key.to_owned()));
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

    /// A directory with Postgres' programs: `pg_dump`, `pg_restore`, …
    pub fn postgres_programs(&self) -> Result<PathBuf> {
        Postgres::programs(&self.servers)
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
