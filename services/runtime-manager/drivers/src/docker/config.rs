//! How the driver reaches Docker, and what it makes there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{DriverError, Result};

/// The settings of a [`super::DockerDriver`].
#[derive(Debug, Clone)]
pub struct DockerConfig {
    /// `unix:///…` or `tcp://host:port`; `None` is the socket that Docker makes by default.
    pub host: Option<String>,
    /// Certificates for a `tcp` host. Without them the connection is neither private nor authenticated.
    pub tls: Option<DockerTls>,
    /// The deployment, in every name: 1 to 40 of `a-z`, `0-9`, `-`, `_`, `.`, the first one a letter or digit. Engines of
    /// other deployments are never seen.
    pub deployment: String,
    /// The network that engines are on; made if it is missing.
    pub network: String,
    /// Whether a network that is made here is without a way out. Ports that the Docker host itself has open on all
    /// addresses can be reached all the same: keep databases off them.
    pub internal: bool,
    /// When images are fetched.
    pub pull: PullPolicy,
    /// A file in the format of Docker's `config.json` with credentials for registries (`auths`), read at each fetch.
    pub registry_auth: Option<PathBuf>,
    /// What labels begin with: `galaxy` gives `galaxy.game_id`.
    pub label_prefix: String,
}

/// Files of PEM certificates, as `docker --tlsverify` takes them.
#[derive(Debug, Clone)]
pub struct DockerTls {
    /// The authority that signed the daemon's certificate; those of this machine are trusted too.
    pub ca: PathBuf,
    /// The client's certificate.
    pub cert: PathBuf,
    /// The client's private key.
    pub key: PathBuf,
}

/// When images are fetched from their registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullPolicy {
    /// If the image is not there.
    #[default]
    Missing,
    /// Each time an image is resolved, unless its reference holds a digest and it is there.
    Always,
    /// Not at all.
    Never,
}

impl DockerConfig {
    /// The default socket and settings, for `deployment`.
    pub fn new(deployment: impl Into<String>) -> Self {
        Self {
            host: None,
            tls: None,
            deployment: deployment.into(),
            network: "galaxy-engines".to_owned(),
            internal: true,
            pull: PullPolicy::default(),
            registry_auth: None,
            label_prefix: "galaxy".to_owned(),
        }
    }

    /// Errors: [`DriverError::Invalid`] for names that Docker does not take, or that could be taken for another's.
    pub(super) fn check(&self) -> Result<()> {
        let name = |text: &str, max| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
            (1..=max).contains(&text.len())
                && text.bytes().all(plain)
                && text.as_bytes()[0].is_ascii_alphanumeric()
        };
        for (what, text, max) in [
            ("deployment", &self.deployment, 40),
            ("network", &self.network, 100),
            ("label prefix", &self.label_prefix, 40),
        ] {
            if !name(text, max) {
                return Err(DriverError::invalid(format!(
                    "{what} {text:?} is not 1 to {max} of a-z, 0-9, -, _ and ."
                )));
            }
        }
        Ok(())
    }
}
