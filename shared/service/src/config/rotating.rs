//! Secrets that change while a process runs.

use std::{path::PathBuf, sync::Arc};

use parking_lot::RwLock;
use secrecy::ExposeSecret;

use super::Secret;

/// A secret whose file, if it came from one, can be read again. Cheap to clone; clones share what was read last.
#[derive(Debug, Clone)]
pub struct RotatingSecret(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    /// Absent if the secret was given by value, and never changes.
    path: Option<PathBuf>,
    current: RwLock<Text>,
}

#[derive(Debug)]
struct Text {
    whole: Secret,
    lines: Arc<[Secret]>,
}

impl RotatingSecret {
    /// The secret of the variable `name`, which was read from the file `path`.
    pub(super) fn from_file(name: &'static str, path: PathBuf, secret: Secret) -> Self {
        Self(Arc::new(Inner {
            name,
            path: Some(path),
            current: RwLock::new(secret.into()),
        }))
    }

    /// What was read last.
    pub fn current(&self) -> Secret {
        self.0.current.read().whole.clone()
    }

    /// The lines of what was read last that are not empty: several secrets, of which the first is the newest.
    pub fn lines(&self) -> Arc<[Secret]> {
        self.0.current.read().lines.clone()
    }

    /// Whether there is a file to read again.
    pub fn is_from_file(&self) -> bool {
        self.0.path.is_some()
    }

    /// Reads the file again; whether the secret is another one now. A file that is away, empty or cannot be read changes
    /// nothing and is logged: it may be about to be replaced.
    pub fn reread(&self) -> bool {
        let Some(path) = &self.0.path else {
            return false;
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text.trim_end().to_owned(),
            Err(error) => {
                tracing::warn!(variable = self.0.name, %error, "the file of a secret cannot be read again; the secret stays");
                return false;
            }
        };
        if text.is_empty() {
            tracing::warn!(
                variable = self.0.name,
                "the file of a secret is empty; the secret stays"
            );
            return false;
        }
        let mut current = self.0.current.write();
        if current.whole.expose_secret() == text {
            return false;
        }
        *current = Secret::from(text).into();
        tracing::info!(
            variable = self.0.name,
            "a secret was read again from its file"
        );
        true
    }
}

impl From<Secret> for RotatingSecret {
    /// One that never changes.
    fn from(secret: Secret) -> Self {
        Self(Arc::new(Inner {
            name: "",
            path: None,
            current: RwLock::new(secret.into()),
        }))
    }
}

impl From<Secret> for Text {
    fn from(whole: Secret) -> Self {
        let lines = whole.expose_secret().lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty()).map(Secret::from);
        Self {
            lines: lines.collect(),
            whole,
        }
    }
}

impl From<&str> for RotatingSecret {
    fn from(text: &str) -> Self {
        Secret::from(text).into()
    }
}

impl From<String> for RotatingSecret {
    fn from(text: String) -> Self {
        Secret::from(text).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_and_what_is_no_secret_changes_nothing() {
        let path = std::env::temp_dir().join(format!("galaxy-rotating-{}", std::process::id()));
        std::fs::write(&path, "first\n").unwrap();
        let secret = RotatingSecret::from_file("KEY", path.clone(), "first".into());
        let clone = secret.clone();
        assert!(!secret.reread(), "nothing has changed");
        std::fs::write(&path, "second\n\n first \n").unwrap();
        assert!(secret.reread());
        assert_eq!(clone.current().expose_secret(), "second\n\n first");
        let lines = clone.lines();
        let lines: Vec<_> = lines.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(lines, ["second", "first"]);
        std::fs::write(&path, "\n").unwrap();
        assert!(!secret.reread());
        std::fs::remove_file(&path).unwrap();
        assert!(!secret.reread());
        assert_eq!(secret.lines().len(), 2);
        assert!(!format!("{secret:?}").contains("second"));
    }

    #[test]
    fn a_secret_by_value_stays() {
        let secret = RotatingSecret::from("only".to_owned());
        assert!(!secret.is_from_file() && !secret.reread());
        assert_eq!(secret.current().expose_secret(), "only");
    }
}
