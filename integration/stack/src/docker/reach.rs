//! Whether this machine reaches containers by their addresses, as the processes of the stack must: Docker in a virtual
//! machine or without root does not let it.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};

use super::{Container, docker};
use crate::web;

/// For an engine's first answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Runs an engine of `image` for a moment and asks it whether it is well.
pub async fn check(image: &str) -> Result<()> {
    let name = format!("galaxy-reach-{}", std::process::id());
    let engine = Container::run(&name, &[], image, &[])?;
    let url = format!("http://{}:8080/healthz", address(&name)?);
    let answered = engine.wait_until(ANSWER_WITHIN, async || {
        match tokio::time::timeout(Duration::from_secs(1), web::get(&url)).await {
            Ok(Ok((status, _))) if status.is_success() => Ok(()),
            Ok(Ok((status, _))) => Err(status.to_string()),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => Err("no answer".to_owned()),
        }
    });
    answered
        .await
        .context("containers cannot be reached from here")
}

fn address(container: &str) -> Result<String> {
    let template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let mut inspect = docker()?;
    inspect
        .args(["inspect", "--format", template, container])
        .stderr(Stdio::null());
    let output = inspect.output().context("cannot run docker")?;
    let address = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if address.is_empty() {
        bail!("containers have no address here");
    }
    Ok(address)
}

/// Where the Docker engine listens that the command `docker` speaks to: `unix:///…` or `tcp://…`.
pub fn host() -> Result<String> {
    let mut inspect = docker()?;
    inspect.args([
        "context",
        "inspect",
        "--format",
        "{{.Endpoints.docker.Host}}",
    ]);
    let output = inspect.output().context("cannot run docker")?;
    let host = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || !host.contains("://") {
        bail!("docker does not say where its engine listens");
    }
    Ok(host)
}
