//! Documents that the api generates from its code, and the check that the committed ones are up to date.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, Ui};
use tokio::process::Command;

use crate::cargo;

/// The api's option, and the file of its output.
const DOCUMENTS: [(&str, &str); 2] = [
    ("--print-openapi", "proto/openapi.yaml"),
    ("--print-asyncapi", "proto/asyncapi.yaml"),
];

/// Writes all of them.
pub async fn generate(layout: &Layout, ui: Ui) -> Result<()> {
    cargo::build(layout, ui).await?;
    for (option, file) in DOCUMENTS {
        fs::write(layout.root().join(file), print(layout, option).await?)?;
        ui.done(file);
    }
    Ok(())
}

/// An error that names those that differ. The api must have been built.
pub async fn check(layout: &Layout) -> Result<String> {
    let mut stale = Vec::new();
    for (option, file) in DOCUMENTS {
        let committed = fs::read(layout.root().join(file)).unwrap_or_default();
        if print(layout, option).await? != committed {
            stale.push(file);
        }
    }
    if !stale.is_empty() {
        bail!(
            "{} must be generated again: cargo xtask openapi",
            stale.join(" and ")
        );
    }
    Ok(format!("{} as generated", DOCUMENTS.len()))
}

async fn print(layout: &Layout, option: &str) -> Result<Vec<u8>> {
    let api: PathBuf = layout.binaries().join("api");
    let output = Command::new(&api).arg(option).output().await;
    let output = output.with_context(|| format!("cannot run {}", api.display()))?;
    if !output.status.success() || output.stdout.is_empty() {
        bail!(
            "api {option}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}
