//! Making a data directory.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, fchown},
    path::Path,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{
    account::{self, Account},
    server_options::{Durability, ServerOptions},
};

/// Role and database of servers that the stack starts.
pub(super) const DATABASE: &str = "galaxy";

/// `initdb`, into a directory that only Postgres' account can read.
pub(super) async fn make(
    options: &ServerOptions,
    dir: &Path,
    data: &Path,
    account: Option<&Account>,
) -> Result<()> {
    options.ui.step("Postgres: making its data directory");
    account::private_dir(data, account)?;
    let mut initdb = Command::new(dir.join("initdb"));
    initdb
        .args([
            "--username",
            DATABASE,
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "-D",
        ])
        .arg(data)
        .current_dir(data);
    if options.durability == Durability::Volatile {
        initdb.arg("--no-sync");
    }
    let password_file = data.with_extension("password");
    match &options.password {
        None => initdb.args(["--auth", "trust"]),
        Some(password) => {
            write_private(&password_file, password, account)?;
            initdb
                .args(["--auth", "scram-sha-256", "--pwfile"])
                .arg(&password_file)
        }
    };
    if let Some(account) = account {
        initdb.uid(account.uid).gid(account.gid);
    }
    let output = initdb
        .output()
        .await
        .with_context(|| format!("cannot run initdb of {}", dir.display()));
    let _ = fs::remove_file(&password_file);
    let output = output?;
    if !output.status.success() {
        let _ = fs::remove_dir_all(data);
        bail!(
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

fn write_private(path: &Path, text: &str, account: Option<&Account>) -> Result<()> {
    let mut file = fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    if let Some(account) = account {
        fchown(&file, Some(account.uid), Some(account.gid))?;
    }
    Ok(())
}
