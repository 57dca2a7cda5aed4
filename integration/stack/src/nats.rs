//! NATS with `JetStream`: found or fetched, started, probed, stopped.

mod probe;
mod start;

use std::{path::Path, time::Duration};

use anyhow::Result;

use crate::{
    env, program::Program, server::Server, server_options::ServerOptions, sources::Failures, ui::Ui,
};

const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A NATS server that answers.
#[derive(Debug)]
pub struct Nats {
    server: Server,
}

impl Nats {
    /// The server at `given` if there is one, else started from the first source that works.
    pub async fn provide(options: &ServerOptions, given: Option<String>) -> Result<Self> {
        let server = Self::server(options, given).await?;
        Ok(Self { server })
    }

    async fn server(options: &ServerOptions, given: Option<String>) -> Result<Server> {
        if let Some(url) = given {
            let version = probe::version(&url)
                .await
                .map_err(|why| anyhow::anyhow!("NATS at {url}: {why}"))?;
            return Ok(Server::external(start::NAME, url, &version));
        }
        let mut failures = Failures::default();
        if let Some((source, program)) = failures.first(&start::SOURCES, options) {
            return start::program(options, source, program).await;
        }
        match start::container(options).await {
            Ok(server) => Ok(server),
            Err(why) => {
                failures.note("container", format_args!("{why:#}"));
                Err(failures.into_error(start::NAME, env::NATS_URL))
            }
        }
    }

    /// A server of its own for one test, to be killed and wiped: on a free port, with its data under `dir`. `cache` keeps
    /// the fetched package.
    pub async fn for_tests(ui: Ui, cache: &Path, dir: &Path) -> Result<Self> {
        Self::provide(&ServerOptions::for_tests(ui, cache, dir), None).await
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Source and version, for people.
    pub fn origin(&self) -> &str {
        self.server.origin()
    }

    /// The server's process, if this stack started one.
    pub fn program(&mut self) -> Option<&mut Program> {
        self.server.program()
    }

    /// Stops the server if this stack started it.
    pub async fn stop(&mut self) -> Result<()> {
        self.server.stop(STOP_WITHIN).await
    }

    /// Kills the server as a crash would; this stack must have started it.
    pub async fn kill(&mut self) -> Result<()> {
        self.server.kill().await
    }

    /// Removes all streams as a lost disk would; the server must have been stopped or killed.
    pub fn lose_data(&mut self) -> Result<()> {
        let dir = self.server.own_program()?.dir().join("jetstream");
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        Ok(())
    }

    /// Starts it again, on the same port with the data that are there.
    pub async fn start_again(&mut self) -> Result<()> {
        let url = self.url().to_owned();
        let program = self.server.own_program()?;
        *program = program.start_again()?;
        start::wait_ready(program, &url).await
    }
}
