//! A whole stack: servers, inbox and the six processes, started together and stopped in order.

mod options;
mod processes;
mod supervise;
mod version;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    Admin, Driver, Engine, Nats, Port, Ports, Postgres, Program, Secrets, Service, StackFile, Ui,
    countries, docker,
    engines::{ENGINE_VERSION, Engines},
    env,
    environment::Settings,
    inbox::Inbox,
    postgres::Database,
};
pub use options::StackOptions;
use processes::Processes;
use version::offer_engine;

/// A running stack. Dropping it kills what it started; [`Stack::stop`] stops it in order.
#[derive(Debug)]
pub struct Stack {
    processes: Processes,
    inbox: Inbox,
    nats: Nats,
    postgres: Postgres,
    database: Database,
    temporary: bool,
    settings: Settings,
    secrets: Secrets,
    ui: Ui,
    _ports: Vec<Port>,
    _dir: Option<TempDir>,
}

impl Stack {
    /// Starts everything and returns once every process is ready.
    ///
    /// The programs must have been built; an error names what failed and shows the end of its log.
    pub async fn start(mut options: StackOptions) -> Result<Self> {
        let ui = options.servers.ui;
        let postgres = Postgres::provide(&options.servers, options.postgres_url.clone()).await?;
        ui.done(format!("Postgres: {}", postgres.origin()));
        let nats = Nats::provide(&options.servers, options.nats_url.clone()).await?;
        ui.done(format!("NATS: {}", nats.origin()));
        let database = match &options.fresh_database {
            Some(name) => postgres.create_database(name).await?,
            None => postgres.own_database().await?,
        };

        options.engines.belong_to(database.deployment().await?)?;
        std::fs::create_dir_all(&options.engines.dir)?;

        let ports = options.servers.ports;
        let (api, push_hub) = (ports.pick(8080)?, ports.pick(8090)?);
        let (gateway_grpc, gateway_http) = (ports.pick(8443)?, ports.pick(8000)?);
        let (inbox, inbox_ports) = start_inbox(ports).await?;
        let settings = Settings {
            postgres_url: (options.way.0)(&database.url),
            nats_url: nats.url().to_owned(),
            api: api.address(),
            push_hub: push_hub.address(),
            gateway_grpc: gateway_grpc.address(),
            gateway_http: gateway_http.address(),
            smtp: inbox.smtp_address().to_string(),
            countries: country_database(&options)?,
            docker_host: docker_host(&options.engines)?,
            engines: options.engines.clone(),
        };
        let mut reserved = vec![api, push_hub, gateway_grpc, gateway_http];
        reserved.extend(inbox_ports);

        let mut processes = Processes::new(&options);
        processes.start_all(ui, &settings, &options.secrets).await?;
        if let Err(error) = offer_engine(&settings, &options.secrets).await {
            ui.warn(format!("{error:#}"));
        }
        Ok(Self {
            processes,
            inbox,
            nats,
            postgres,
            database,
            temporary: options.is_temporary(),
            settings,
            secrets: options.secrets,
            ui,
            _ports: reserved,
            _dir: options.dir,
        })
    }

    /// Addresses, credentials and process ids as they are now.
    pub fn file(&mut self) -> Result<StackFile> {
        let http = |address: &str| format!("http://{address}");
        let mut pids = self.processes.pids();
        let servers = [self.postgres.program(), self.nats.program()];
        for program in servers.into_iter().flatten() {
            pids.extend(program.pid().map(|pid| (program.name().to_owned(), pid)));
        }
        Ok(StackFile {
            api: http(&self.settings.api),
            gateway_grpc: http(&self.settings.gateway_grpc),
            gateway_http: http(&self.settings.gateway_http),
            push_hub: http(&self.settings.push_hub),
            inbox: http(&self.inbox.http_address().to_string()),
            postgres_url: self.database.url.clone(),
            nats_url: self.settings.nats_url.clone(),
            gateway_token: self.secrets.gateway_token.clone(),
            gateway_public_key: self.secrets.gateway_public_key()?,
            admin: Admin {
                user: self.secrets.admin_user.clone(),
                password: self.secrets.admin_password.clone(),
            },
            ops: self.processes.ops(),
            pids,
            engine: Engine {
                driver: self.settings.engines.driver.to_string(),
                version: ENGINE_VERSION.to_owned(),
            },
        })
    }

    /// The mail that the stack caught, and the faults of its SMTP server.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The stack's own database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What the stack's engines have in Docker, if they run there.
    pub fn in_docker(&self) -> docker::Deployment {
        self.settings.engines.in_docker()
    }

    /// Postgres, to stop and start it.
    pub fn postgres(&mut self) -> &mut Postgres {
        &mut self.postgres
    }

    /// NATS, to stop and start it.
    pub fn nats(&mut self) -> &mut Nats {
        &mut self.nats
    }

    /// Kills a process (SIGKILL) and waits until it is gone.
    pub async fn kill(&mut self, service: Service) -> Result<()> {
        self.processes.get(service)?.kill().await
    }

    /// Stops a process (SIGTERM) and waits until it has ended.
    pub async fn stop_process(&mut self, service: Service, within: Duration) -> Result<()> {
        self.processes.get(service)?.stop(within).await
    }

    /// Stops a process (SIGTERM), and starts the program of that name in `dir` in its place.
    pub async fn replace_process(&mut self, service: Service, dir: &Path) -> Result<()> {
        let program = self.processes.get(service)?;
        program.stop(Duration::from_secs(25)).await?;
        program.replace_by(dir.join(service.name()));
        self.start_process(service).await
    }

    /// Starts a process that has ended and waits until it is ready.
    pub async fn start_process(&mut self, service: Service) -> Result<()> {
        self.processes.start_again(service.name()).await
    }

    /// Kills a process by its name in [`Stack::process`], starts it again and waits until it is ready.
    pub async fn crash(&mut self, name: &str) -> Result<()> {
        self.processes.by_name(name)?.kill().await?;
        self.processes.start_again(name).await
    }

    /// Starts one more replica of a process and waits until it is ready; returns its name for
    /// [`Stack::process`]. It listens on free ports that the other processes do not know.
    pub async fn add_replica(&mut self, service: Service) -> Result<String> {
        self.processes
            .add_replica(service, &self.settings, &self.secrets)
            .await
    }

    /// Starts a runtime manager on a node of its own, where engines are processes, and waits until it is ready; returns its
    /// name for [`Stack::process`].
    pub async fn add_process_node(&mut self) -> Result<String> {
        let mut settings = self.settings.clone();
        let dir = settings.engines.dir.with_file_name("engines-of-node-2");
        std::fs::create_dir_all(&dir)?;
        settings.docker_host = None;
        settings.engines = Engines::new(Driver::Process, dir, settings.engines.deployment);
        self.processes.add_engines(settings.engines.clone());
        self.processes
            .add_replica(Service::RuntimeManager, &settings, &self.secrets)
            .await
    }

    /// A process by name: `api`, or `api-2` for a replica.
    pub fn process(&mut self, name: &str) -> Result<&mut Program> {
        self.processes.by_name(name)
    }

    /// The last lines of every process' log, for a test that failed.
    pub fn logs(&self) -> String {
        self.processes.logs()
    }

    /// Stops everything in order: the processes drain, then the servers stop. Everything is stopped even
    /// if something fails; the first failure is returned.
    pub async fn stop(mut self) -> Result<()> {
        let mut outcome = self.processes.stop_all(self.ui).await;
        for engines in self.processes.engines() {
            outcome = outcome.and(engines.stop().await);
            if self.temporary {
                outcome = outcome.and(engines.kill());
            }
        }
        if self.temporary {
            outcome = outcome.and(self.postgres.drop_database(&self.database.name).await);
        }
        let nats = self.nats.stop().await;
        let postgres = self.postgres.stop().await;
        self.processes.mark_stopped();
        outcome.and(nats).and(postgres)
    }
}

/// The file that the environment names, else a generated example.
fn country_database(options: &StackOptions) -> Result<PathBuf> {
    if let Some(path) = env::var(env::GEOIP_DB_PATH) {
        return Ok(path.into());
    }
    let path = options.engines.dir.with_file_name("countries.mmdb");
    countries::write(&path)?;
    Ok(path)
}

/// Where the processes find the Docker engine that the command `docker` speaks to.
fn docker_host(engines: &Engines) -> Result<Option<String>> {
    match engines.driver {
        Driver::Process => Ok(None),
        Driver::Docker => docker::reach::host().map(Some),
    }
}

async fn start_inbox(ports: Ports) -> Result<(Inbox, [Port; 2])> {
    let (smtp, page) = (ports.pick(1025)?, ports.pick(8025)?);
    let smtp_listener = TcpListener::bind(smtp.address())
        .await
        .context("the inbox's SMTP port")?;
    let page_listener = TcpListener::bind(page.address())
        .await
        .context("the inbox page's port")?;
    Ok((Inbox::start(smtp_listener, page_listener)?, [smtp, page]))
}
