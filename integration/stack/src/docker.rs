//! Containers: of official images, the last source of a server, and of the reference engine.

pub mod engine_image;
mod engines;
mod history;
pub mod reach;

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{Ui, programs};
pub use engines::Deployment;
pub use history::{ContainerEvent, History, check_single};

/// A container that is removed when dropped. Its data are in a named volume.
#[derive(Debug)]
pub struct Container {
    name: String,
}

impl Container {
    /// Runs `image` with `args` before and `command` after it, replacing a container of the same name.
    pub fn run(name: &str, args: &[String], image: &str, command: &[&str]) -> Result<Self> {
        remove(name);
        let mut docker = docker()?;
        docker
            .args(["run", "--detach", "--rm", "--name", name])
            .args(args)
            .arg(image)
            .args(command);
        let output = docker.output().context("cannot run docker")?;
        if !output.status.success() {
            bail!(
                "docker run {image}: {}",
                String::from_utf8_lossy(&output.stderr).trim_end()
            );
        }
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// Polls `check` until it succeeds; an error with its reason and the container's log after `within`.
    pub async fn wait_until<T, F>(&self, within: Duration, mut check: F) -> Result<T>
    where
        F: AsyncFnMut() -> Result<T, String>,
    {
        let deadline = Instant::now() + within;
        loop {
            match check().await {
                Ok(value) => return Ok(value),
                Err(why) if Instant::now() > deadline => {
                    bail!("not ready after {within:?}: {why}\n{}", self.logs())
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// The last lines that it logged.
    fn logs(&self) -> String {
        let output = docker().and_then(|mut docker| {
            Ok(docker.args(["logs", "--tail", "40", &self.name]).output()?)
        });
        output.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let stop = docker().and_then(|mut docker| {
            Ok(docker
                .args(["stop", &self.name])
                .stdout(Stdio::null())
                .status()?)
        });
        drop(stop);
        remove(&self.name);
    }
}

/// Whether a test that needs a container engine can run here; it says so, and `cargo xtask test` counts what it says.
pub fn for_test() -> bool {
    let available = is_available();
    Ui::quiet().plain(if available {
        "runs in containers"
    } else {
        "SKIPPED: no Docker engine answers"
    });
    available
}

/// Whether a container engine answers.
pub fn is_available() -> bool {
    docker().is_ok_and(|mut docker| {
        docker
            .arg("info")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        docker.status().is_ok_and(|status| status.success())
    })
}

/// Removes the named volumes of earlier containers; nothing happens if no engine answers.
pub fn remove_volumes() {
    if is_available()
        && let Ok(mut docker) = docker()
    {
        docker.args(["volume", "rm", "--force", "galaxy-postgres", "galaxy-nats"]);
        let _ = docker.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Runs the command `docker`, as somebody at the machine would; gives the lines that it prints.
pub fn by_hand(words: &[&str]) -> Result<Vec<String>> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    engines::list(&words)
}

/// A directory of a container as a tar archive, with its owners: `from` is `container:path`.
pub fn copy_out(from: &str) -> Result<Vec<u8>> {
    let output = docker()?.args(["cp", from, "-"]).output();
    let output = output.context("cannot run docker")?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("docker cp {from}: {}", error.trim_end());
    }
    Ok(output.stdout)
}

/// Unpacks a tar archive into a directory of a container: `to` is `container:path`.
pub fn copy_in(archive: &[u8], to: &str) -> Result<()> {
    let mut docker = docker()?;
    docker.args(["cp", "-", to]).stdin(Stdio::piped());
    let mut copying = docker.spawn().context("cannot run docker")?;
    // Dropped at once, which ends the archive.
    let written = copying
        .stdin
        .take()
        .map(|mut archive_end| archive_end.write_all(archive));
    let status = copying.wait()?;
    written.transpose()?;
    if !status.success() {
        bail!("docker cp - {to} ended with {status}");
    }
    Ok(())
}

fn docker() -> Result<Command> {
    let mut command = Command::new(programs::on_path("docker").context("docker is not installed")?);
    command.stdin(Stdio::null());
    Ok(command)
}

fn remove(name: &str) {
    if let Ok(mut docker) = docker() {
        let _ = docker
            .args(["rm", "--force", name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}
