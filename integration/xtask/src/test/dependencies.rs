//! The rules of `deny.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use galaxy_stack::{Layout, Ui};
use tokio::process::Command;

use super::{report::Outcome, tools};
use crate::cargo::run;

/// Bans, licences and sources: need nothing but the lock file.
pub async fn rules(layout: &Layout, ui: Ui) -> Outcome {
    Outcome::of(check(layout, ui, &["bans", "licenses", "sources"]).await)
}

/// Known vulnerabilities, if a database of them is on this machine: nothing is fetched.
pub async fn advisories(layout: &Layout, ui: Ui) -> Outcome {
    let home = std::env::var_os("CARGO_HOME")
        .map(Into::into)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let database = home.map(|home: std::path::PathBuf| home.join("advisory-dbs"));
    if !database.is_some_and(|database| database.is_dir()) {
        return Outcome::Skipped("no advisory database here (`cargo deny fetch` gets one)".into());
    }
    Outcome::of(check(layout, ui, &["--disable-fetch", "advisories"]).await)
}

async fn check(layout: &Layout, ui: Ui, what: &[&str]) -> Result<String> {
    let mut deny = Command::new(tools::find(tools::DENY, layout, ui).await?);
    deny.current_dir(layout.root())
        .args(["--locked", "--log-level", "error", "check"])
        .args(what);
    run(deny).await.context("see above")?;
    Ok(String::new())
}
