//! A running server: one that was given by URL, a child process, or a container.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::{docker::Container, ports::Port, program::Program};

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    url: String,
    origin: String,
    process: Process,
    _port: Option<Port>,
}

#[derive(Debug)]
enum Process {
    External,
    Program(Box<Program>),
    Container { _container: Container },
}

impl Server {
    /// A server that runs already and is only used.
    pub fn external(name: &'static str, url: String, version: &str) -> Self {
        Self {
            name,
            url,
            origin: format!("given, version {version}"),
            process: Process::External,
            _port: None,
        }
    }

    /// A child process whose program came from `source`.
    pub fn program_of(
        name: &'static str,
        url: String,
        (source, version): (&str, &str),
        program: Program,
        port: Port,
    ) -> Self {
        Self {
            name,
            url,
            origin: format!("{source}, version {version}"),
            process: Process::Program(Box::new(program)),
            _port: Some(port),
        }
    }

    pub fn container_of(
        name: &'static str,
        url: String,
        version: &str,
        container: Container,
        port: Port,
    ) -> Self {
        Self {
            name,
            url,
            origin: format!("container, version {version}"),
            process: Process::Container {
                _container: container,
            },
            _port: Some(port),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Source and version, for people.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn is_external(&self) -> bool {
        matches!(self.process, Process::External)
    }

    /// The child process, if it is one.
    pub fn program(&mut self) -> Option<&mut Program> {
        match &mut self.process {
            Process::Program(program) => Some(program),
            Process::External | Process::Container { .. } => None,
        }
    }

    /// The child process; an error if the server is not one.
    pub fn own_program(&mut self) -> Result<&mut Program> {
        let name = self.name;
        self.program()
            .with_context(|| format!("this {name} is not a process of this stack"))
    }

    /// Stops the child process, if it is one.
    pub async fn stop(&mut self, within: Duration) -> Result<()> {
        match self.program() {
            Some(program) => program.stop(within).await,
            None => Ok(()),
        }
    }

    /// Kills the child process as a crash would.
    pub async fn kill(&mut self) -> Result<()> {
        self.own_program()?.kill().await
    }
}
