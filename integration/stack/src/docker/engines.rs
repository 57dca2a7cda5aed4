//! Engines in containers, as the runtime manager's driver `docker` makes and labels them: they outlive it, on purpose. They
//! must not outlive the stack.

use anyhow::{Context, Result, bail};

use super::docker;

/// Seconds after SIGTERM; then they are killed.
const STOP_WITHIN: &str = "10";

/// What a deployment has in Docker.
#[derive(Debug, Clone)]
pub struct Deployment(pub String);

impl Deployment {
    /// The network of its engines.
    pub fn network(&self) -> String {
        format!("galaxy-{}", self.0)
    }

    /// Ids of its engines' containers: those that run, or all of them.
    pub fn containers(&self, all: bool) -> Result<Vec<String>> {
        list(&listing(all, &self.label("deployment")))
    }

    /// The name of a game's container, and of the volume with its state.
    pub fn engine(&self, game: &str) -> String {
        format!("galaxy-{}-{game}", self.0)
    }

    /// Ends its engines. Containers and volumes stay: from an engine that has ended the runtime manager goes on at once.
    pub fn stop(&self) -> Result<()> {
        let running = self.containers(false)?;
        call(&["stop", "-t", STOP_WITHIN], &running)
    }

    /// Removes its engines with their state, and its network.
    pub fn remove(&self) -> Result<()> {
        let mut containers = self.containers(true)?;
        // Of a manager that was killed while one gave a volume its owner.
        containers.extend(list(&listing(true, &self.label("helper")))?);
        let engines = call(&["rm", "--force", "--volumes"], &containers);
        let filter = [
            "volume",
            "ls",
            "--quiet",
            "--filter",
            &self.label("deployment"),
        ]
        .map(str::to_owned);
        let volumes = call(&["volume", "rm", "--force"], &list(&filter)?);
        let named = format!("name=^{}$", self.network());
        let filter = ["network", "ls", "--quiet", "--filter", &named].map(str::to_owned);
        let network = call(&["network", "rm"], &list(&filter)?);
        engines.and(volumes).and(network)
    }

    pub(super) fn label(&self, key: &str) -> String {
        format!("label=galaxy.{key}={}", self.0)
    }
}

fn listing(all: bool, filter: &str) -> Vec<String> {
    let mut words = vec!["ps", "--quiet", "--no-trunc", "--filter", filter];
    if all {
        words.push("--all");
    }
    words.into_iter().map(str::to_owned).collect()
}

/// The lines that docker prints.
pub(super) fn list(words: &[String]) -> Result<Vec<String>> {
    let output = docker()?
        .args(words)
        .output()
        .context("cannot run docker")?;
    if !output.status.success() {
        bail!(
            "docker {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    Ok(lines.lines().map(str::to_owned).collect())
}

/// Calls docker for `things`, if there are any.
fn call(words: &[&str], things: &[String]) -> Result<()> {
    if things.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    list(&[&words[..], things].concat()).map(drop)
}
