//! A project of Compose: its command, its containers, its addresses and credentials.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use galaxy_stack::{Admin, Engine, StackFile, docker::Deployment};
use serde_json::Value;

use crate::images::{docker, output};

/// What `compose.production.yaml` asks for.
const REQUIRED_IN_PRODUCTION: [&str; 5] = [
    "GALAXY_DOMAIN",
    "GALAXY_MAIL_FROM",
    "GALAXY_POSTGRES_OWNER_URL_FILE",
    "GALAXY_POSTGRES_URL_FILE",
    "GALAXY_SMTP_URL_FILE",
];

/// Replicas: service and number.
pub type Scale<'a> = &'a [(&'a str, usize)];

/// A project. Its variables are those that `compose.yaml` documents.
#[derive(Debug, Clone)]
pub struct Project {
    program: Vec<String>,
    name: Option<String>,
    root: PathBuf,
    variables: Vec<(String, String)>,
}

impl Project {
    /// Compose 2 as a plug-in of docker, else the command of Compose 1.29.
    pub fn program() -> Result<Vec<String>> {
        let candidates = [vec!["docker", "compose"], vec!["docker-compose"]];
        let found = candidates.into_iter().find(|words| {
            let mut version = Command::new(words[0]);
            version.args(&words[1..]).arg("version");
            output(version).is_ok()
        });
        let words = found.context("Compose is not installed (1.29 or 2)")?;
        Ok(words.into_iter().map(str::to_owned).collect())
    }

    pub fn new(name: &str, root: &Path, variables: Vec<(String, String)>) -> Result<Self> {
        Ok(Self {
            program: Self::program()?,
            name: Some(name.to_owned()),
            root: root.to_owned(),
            variables,
        })
    }

    /// The project that `docker compose up` runs in this checkout.
    pub fn of_checkout(root: &Path) -> Result<Self> {
        Ok(Self {
            program: Self::program()?,
            name: None,
            root: root.to_owned(),
            variables: Vec::new(),
        })
    }

    pub fn name(&self) -> &str {
        self.name
            .as_deref()
            .unwrap_or("the project of this checkout")
    }

    fn compose(&self, words: &[&str]) -> Command {
        let mut compose = Command::new(&self.program[0]);
        compose.args(&self.program[1..]).current_dir(&self.root);
        if let Some(name) = &self.name {
            compose.args(["--project-name", name]);
        }
        compose.args(words);
        for (name, value) in &self.variables {
            compose.env(name, value);
        }
        compose
    }

    /// Whether Compose takes both files, with all that profiles add.
    pub fn check_files(&self) -> Result<()> {
        let profile = ["--profile", "observability"];
        output(self.compose(&["config", "--quiet"]))?;
        output(self.compose(&[&profile[..], &["config", "--quiet"]].concat()))?;
        let files = [
            "--file",
            "compose.yaml",
            "--file",
            "compose.production.yaml",
        ];
        let mut production = self.compose(&[&profile[..], &files, &["config", "--quiet"]].concat());
        for variable in REQUIRED_IN_PRODUCTION {
            production.env(variable, "/set");
        }
        output(production).map(drop)
    }

    /// Runs Compose beside what else goes on.
    async fn run(&self, words: Vec<String>) -> Result<String> {
        let project = self.clone();
        tokio::task::spawn_blocking(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            output(project.compose(&words))
        })
        .await?
    }

    /// Starts what does not run, with so many replicas.
    pub async fn up(&self, scale: Scale<'_>) -> Result<()> {
        let mut words = vec![
            "up".to_owned(),
            "--detach".to_owned(),
            "--no-build".to_owned(),
        ];
        for (service, number) in scale {
            words.extend(["--scale".to_owned(), format!("{service}={number}")]);
        }
        self.run(words).await.map(drop)
    }

    /// Removes the containers; data stay. Engines run on, and so does their network: to Compose 1.29 that is an error.
    pub async fn down(&self) -> Result<()> {
        match self.run(vec!["down".to_owned()]).await {
            Err(error) if error.to_string().contains("has active endpoints") => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    pub async fn restart(&self, service: &str) -> Result<()> {
        self.run(vec!["restart".to_owned(), service.to_owned()])
            .await
            .map(drop)
    }

    /// Ids of the containers of a service.
    pub async fn containers(&self, service: &str) -> Result<Vec<String>> {
        let words = ["ps", "--quiet", service].map(str::to_owned);
        let ids = self.run(words.to_vec()).await?;
        Ok(ids.lines().map(str::to_owned).collect())
    }

    /// Where it is and how to sign in.
    pub async fn file(&self) -> Result<StackFile> {
        let words = ["exec", "-T", "api", "/usr/bin/api", "credentials"];
        let credentials = self.run(words.map(str::to_owned).to_vec()).await?;
        let credentials: Value = serde_json::from_str(&credentials)?;
        let words = ["exec", "-T", "gateway", "/usr/bin/gateway", "public-key"];
        let key = self.run(words.map(str::to_owned).to_vec()).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(StackFile {
            api: self.published("api", 8080).await?,
            gateway_grpc: self.published("gateway", 8443).await?,
            gateway_http: self.published("gateway", 8000).await?,
            inbox: self.published("mailpit", 8025).await?,
            push_hub: String::new(),
            postgres_url: String::new(),
            nats_url: String::new(),
            gateway_token: text(&credentials["gateway_token"]),
            gateway_public_key: key.trim().to_owned(),
            admin: Admin {
                user: text(&credentials["admin"]["user"]),
                password: text(&credentials["admin"]["password"]),
            },
            ops: BTreeMap::new(),
            pids: BTreeMap::new(),
            engine: Engine {
                driver: "docker".to_owned(),
                version: "0.1.0".to_owned(),
            },
        })
    }

    /// The URL of a published port.
    async fn published(&self, service: &str, port: u16) -> Result<String> {
        let words = ["port".to_owned(), service.to_owned(), port.to_string()];
        let address = self.run(words.to_vec()).await?;
        let address = address.trim().replace("0.0.0.0", "127.0.0.1");
        Ok(format!("http://{address}"))
    }

    /// The end of each container's log.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for words in [&["ps"][..], &["logs", "--no-color", "--tail", "60"]] {
            let logs = output(self.compose(words));
            text += &logs.unwrap_or_else(|error| format!("{error:#}"));
        }
        text
    }

    /// Removes it with its data and its engines.
    pub fn remove(&self) -> Result<()> {
        let deployment = self.variables.iter();
        let deployment = deployment.filter(|(name, _)| name == "GALAXY_DEPLOYMENT");
        let services = output(self.compose(&["kill"]));
        for (_, deployment) in deployment {
            Deployment(deployment.clone()).remove()?;
        }
        services?;
        output(self.compose(&["down", "--volumes", "--remove-orphans"]))?;
        Ok(())
    }
}

/// Kills a container as a crash would; Compose brings it back at the next `up`.
pub async fn kill(container: String) -> Result<()> {
    tokio::task::spawn_blocking(move || docker(&["kill", &container]))
        .await?
        .map(drop)
}
