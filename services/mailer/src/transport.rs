//! Sends messages: to an SMTP server, or as `.eml` files into a directory for development.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use galaxy_service::telemetry;
use lettre::Message;
use tracing::Instrument as _;

use crate::{
    smtp::{SendError, SmtpPool, Stage},
    target::Target,
};

/// A [`Target`] that is ready to be sent to.
pub enum MailTransport {
    Smtp(SmtpPool),
    /// The directory exists.
    Directory(PathBuf),
}

impl MailTransport {
    /// Creates the directory if the target is one. Connections to an SMTP server are opened when there is mail.
    pub async fn open(target: &Target, timeout: Duration) -> anyhow::Result<Self> {
        Ok(match target {
            Target::Smtp(server) => Self::Smtp(SmtpPool::new(server.clone(), timeout)),
            Target::Directory(path) => {
                tokio::fs::create_dir_all(path).await.with_context(|| {
                    format!(
                        "the directory in BACKEND_SMTP_URL cannot be created: {}",
                        path.display()
                    )
                })?;
                Self::Directory(path.clone())
            }
        })
    }

    /// Sends one message. In a directory, `name` is the name of its file.
    pub async fn send(&self, name: &str, message: &Message) -> Result<(), SendError> {
        match self {
            Self::Smtp(pool) => {
                let span = tracing::info_span!("smtp", otel.kind = "client");
                let formatted = message.formatted();
                let sent = pool.send(message.envelope(), &formatted);
                let sent = sent.instrument(span.clone()).await;
                if sent.is_err() {
                    telemetry::failed(&span);
                }
                sent
            }
            Self::Directory(path) => {
                write_file(path, name, &message.formatted())
                    .await
                    .map_err(|error| SendError {
                        stage: Stage::Connect,
                        code: None,
                        reason: error.to_string(),
                    })
            }
        }
    }
}

/// Writes under another name first, so that a reader of the directory finds only complete `.eml` files.
async fn write_file(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let part = directory.join(format!(".{name}.part"));
    tokio::fs::write(&part, content).await?;
    tokio::fs::rename(&part, directory.join(format!("{name}.eml"))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message::builder()
            .from("galaxy@example.org".parse().unwrap())
            .to("ada@example.org".parse().unwrap())
            .body("A text".to_owned())
            .unwrap()
    }

    #[tokio::test]
    async fn a_directory_is_created_and_gets_one_file_per_mail() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("mails");
        let target = Target::Directory(path.clone());
        let transport = MailTransport::open(&target, Duration::ZERO).await.unwrap();
        for name in ["a", "b", "a"] {
            transport.send(name, &message()).await.unwrap();
        }
        let mut names: Vec<_> = path
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["a.eml", "b.eml"]);
        let text = std::fs::read_to_string(path.join("a.eml")).unwrap();
        assert!(text.contains("To: ada@example.org") && text.ends_with("A text"));
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_written_counts_as_an_unreachable_server() {
        let transport = MailTransport::Directory("/nonexistent/mails".into());
        let error = transport.send("a", &message()).await.unwrap_err();
        assert_eq!((error.stage, error.code), (Stage::Connect, None));
    }
}
