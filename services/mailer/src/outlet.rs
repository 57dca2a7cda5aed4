//! Where mail goes: to a relay by SMTP, or as `.eml` files into a directory for development.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use lettre::Message;

use crate::relay::{Relay, SendError, Stage, Target as RelayTarget};

/// Where mail goes, as it is configured.
#[derive(Debug, Clone)]
pub enum Target {
    /// A relay.
    Relay(RelayTarget),
    /// A directory.
    Directory(PathBuf),
}

/// Where mail goes, ready to take it.
pub enum Outlet {
    /// Connections to a relay.
    Relay(Relay),
    /// A directory that exists.
    Directory(PathBuf),
}

/// The text names no place where mail could go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not smtp://, smtp+starttls:// or smtps:// with a host, nor file:<directory>")]
pub struct InvalidTarget;

impl Target {
    /// Reads `smtp://`, `smtp+starttls://`, `smtps://` addresses and `file:` paths.
    pub fn parse(text: &str) -> Result<Self, InvalidTarget> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(InvalidTarget),
                path => Ok(Self::Directory(path.into())),
            };
        }
        RelayTarget::parse(text).map(Self::Relay)
    }
}

impl Outlet {
    /// Makes the directory if mail goes to one; a relay is connected to when there is mail.
    pub async fn open(target: &Target, timeout: Duration) -> anyhow::Result<Self> {
        Ok(match target {
            Target::Relay(target) => Self::Relay(Relay::new(target.clone(), timeout)),
            Target::Directory(path) => {
                tokio::fs::create_dir_all(path).await.with_context(|| {
                    format!(
                        "BACKEND_SMTP_URL names a directory that cannot be made: {}",
                        path.display()
                    )
                })?;
                Self::Directory(path.clone())
            }
        })
    }

    /// Sends one mail. `name` is its file's name where mail is written to files.
    pub async fn send(&self, name: &str, message: &Message) -> Result<(), SendError> {
        match self {
            Self::Relay(relay) => relay.send(message.envelope(), &message.formatted()).await,
            Self::Directory(path) => {
                let (part, whole) = (
                    path.join(format!(".{name}.part")),
                    path.join(format!("{name}.eml")),
                );
                let written = async {
                    tokio::fs::write(&part, message.formatted()).await?;
                    tokio::fs::rename(&part, &whole).await
                };
                written.await.map_err(|error: std::io::Error| SendError {
                    stage: Stage::Connect,
                    code: None,
                    reason: error.to_string(),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_and_relays_are_told_apart() {
        for (text, path) in [
            ("file:/tmp/m", "/tmp/m"),
            ("file:///tmp/m", "/tmp/m"),
            ("file:m", "m"),
        ] {
            let target = Target::parse(text).unwrap();
            assert!(
                matches!(target, Target::Directory(found) if found.as_os_str() == path),
                "{text}"
            );
        }
        assert!(matches!(
            Target::parse("smtp://localhost"),
            Ok(Target::Relay(_))
        ));
        for wrong in ["", "file:", "smtp://", "http://localhost", "localhost:25"] {
            assert_eq!(Target::parse(wrong).err(), Some(InvalidTarget), "{wrong}");
        }
    }
}
