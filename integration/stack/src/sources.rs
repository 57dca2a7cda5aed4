//! The sources of a server program, tried in order, and why each failed.

use std::{fmt::Display, path::PathBuf};

use crate::server_options::ServerOptions;

/// A source's name, and how it finds or fetches the program.
pub type Source = (&'static str, fn(&ServerOptions) -> anyhow::Result<PathBuf>);

/// Why sources failed, for the error when none is left.
#[derive(Debug, Default)]
pub struct Failures(Vec<String>);

impl Failures {
    /// The first source that has the program. Failures of those before it are noted.
    pub fn first(
        &mut self,
        sources: &[Source],
        options: &ServerOptions,
    ) -> Option<(&'static str, PathBuf)> {
        for (source, find) in sources {
            match find(options) {
                Ok(path) => return Some((source, path)),
                Err(why) => self.note(source, format_args!("{why:#}")),
            }
        }
        None
    }

    pub fn note(&mut self, source: &str, why: impl Display) {
        self.0.push(format!("  {source}: {why}"));
    }

    /// One error that lists them all.
    pub fn into_error(self, server: &str, variable: &str) -> anyhow::Error {
        anyhow::anyhow!(
            "no source has {server}; name a running one in {variable}\n{}",
            self.0.join("\n")
        )
    }
}
