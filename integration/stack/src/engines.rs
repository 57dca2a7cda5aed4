//! The engines of a stack: how they run, and how they end with it. They outlive the runtime manager, on purpose.

mod processes;

use std::{fmt, fs, path::PathBuf, str::FromStr};

use anyhow::{Context, Result, bail};

use crate::docker::Deployment;

/// Version under which the reference engine is offered.
pub const ENGINE_VERSION: &str = "0.1.0";

/// How engines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// As plain processes.
    Process,
    /// As containers.
    Docker,
}

impl Driver {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Docker => "docker",
        }
    }

    /// The image of the reference engine; to the driver `process` the program beside the runtime manager's.
    pub fn image(self) -> String {
        match self {
            Self::Process => "process:engine".to_owned(),
            Self::Docker => format!("galaxy/engine:{ENGINE_VERSION}"),
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Driver {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "process" => Ok(Self::Process),
            "docker" => Ok(Self::Docker),
            _ => bail!("is not docker or process"),
        }
    }
}

/// The engines of one stack.
#[derive(Debug, Clone)]
pub struct Engines {
    pub driver: Driver,
    /// The reference engine's image.
    pub image: String,
    /// Where engines that run as processes have their state.
    pub dir: PathBuf,
    /// Whose engines these are; belongs to the database.
    pub deployment: String,
}

impl Engines {
    pub fn new(driver: Driver, dir: PathBuf, deployment: String) -> Self {
        Self {
            driver,
            image: driver.image(),
            dir,
            deployment,
        }
    }

    /// Takes the deployment that the database names. Data of a version before deployments had names of their own keep
    /// their engines: those were all under `local`.
    pub(crate) fn belong_to(&mut self, deployment: Option<String>) -> Result<()> {
        if let Some(deployment) = deployment {
            self.deployment = deployment;
            return Ok(());
        }
        let (before, now) = (self.dir.join("local"), self.dir.join(&self.deployment));
        if before.is_dir() && !now.exists() {
            fs::rename(&before, &now)
                .with_context(|| format!("cannot rename {}", before.display()))?;
        }
        Ok(())
    }

    /// What this stack's deployment has in Docker.
    pub fn in_docker(&self) -> Deployment {
        Deployment(self.deployment.clone())
    }

    /// Ends them all. Their state stays.
    pub async fn stop(&self) -> Result<()> {
        match self.driver {
            Driver::Process => {
                processes::stop(&self.dir).await;
                Ok(())
            }
            Driver::Docker => {
                let containers = self.in_docker();
                tokio::task::spawn_blocking(move || containers.stop()).await?
            }
        }
    }

    /// Ends them all at once. What they have in Docker is removed; state in a directory goes with the directory.
    pub fn kill(&self) -> Result<()> {
        match self.driver {
            Driver::Process => {
                processes::kill(&self.dir);
                Ok(())
            }
            Driver::Docker => self.in_docker().remove(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engines(dir: &std::path::Path) -> Engines {
        Engines::new(Driver::Process, dir.to_owned(), "local-1".to_owned())
    }

    #[test]
    fn the_deployment_of_the_database_counts() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("local")).unwrap();
        let mut engines = engines(dir.path());
        engines.belong_to(Some("local".to_owned())).unwrap();
        assert_eq!(engines.deployment, "local");
        assert!(dir.path().join("local").exists());
    }

    #[test]
    fn state_of_a_version_before_is_found_under_the_new_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("local/a-game")).unwrap();
        engines(dir.path()).belong_to(None).unwrap();
        assert!(dir.path().join("local-1/a-game").is_dir());
    }

    #[test]
    fn drivers_are_read_by_their_names() {
        for driver in [Driver::Process, Driver::Docker] {
            assert_eq!(driver.name().parse::<Driver>().unwrap(), driver);
        }
        assert!("kubernetes".parse::<Driver>().is_err());
    }
}
