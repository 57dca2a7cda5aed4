//! `.sqlx`: what the database said about each query of the code, so that building needs no database.
//!
//! The query macros write an entry whenever they are compiled against a database, so a fresh cache
//! is a by-product of compiling; in CI of the lint pass, which is needed anyway.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, Servers, Ui};
use tempfile::TempDir;
use tokio::process::Command;

use crate::cargo;

/// Compiling with these variables fills an empty cache.
#[derive(Debug)]
pub struct Fresh {
    dir: TempDir,
    database_url: String,
}

impl Fresh {
    /// Makes a database with all tables and an empty cache, and lets the macros run again.
    pub async fn begin(layout: &Layout, servers: &Servers) -> Result<Self> {
        let database = servers.postgres.create_database("queries").await?;
        database.migrate(&layout.root().join("migrations")).await?;
        touch_query_crates(layout.root())?;
        let dir = tempfile::Builder::new().prefix("sqlx-").tempdir()?;
        Ok(Self {
            dir,
            database_url: database.url,
        })
    }

    /// Tells a call of cargo about it.
    pub fn apply(&self, command: &mut Command) {
        command
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", self.dir.path())
            .env("DATABASE_URL", &self.database_url);
    }

    /// An error that says how the committed cache differs.
    pub fn compare(&self, layout: &Layout) -> Result<String> {
        let (committed, fresh) = (entries(&committed(layout))?, entries(self.dir.path())?);
        let missing = fresh
            .keys()
            .filter(|name| !committed.contains_key(*name))
            .count();
        let unused = committed
            .keys()
            .filter(|name| !fresh.contains_key(*name))
            .count();
        let other = fresh.iter().filter(|(name, entry)| {
            committed
                .get(*name)
                .is_some_and(|committed| committed != *entry)
        });
        let other = other.count();
        if missing + unused + other > 0 {
            bail!(
                ".sqlx: {missing} missing, {unused} unused, {other} different: cargo xtask prepare"
            );
        }
        Ok(format!("{} queries", fresh.len()))
    }

    /// Replaces the committed cache.
    fn commit(&self, layout: &Layout) -> Result<usize> {
        let place = committed(layout);
        fs::create_dir_all(&place)?;
        let (old, fresh) = (entries(&place)?, entries(self.dir.path())?);
        for name in old.keys().filter(|name| !fresh.contains_key(*name)) {
            fs::remove_file(place.join(name))?;
        }
        for (name, entry) in &fresh {
            fs::write(place.join(name), entry)?;
        }
        Ok(fresh.len())
    }
}

/// Generates the committed cache.
pub async fn generate(layout: &Layout, ui: Ui) -> Result<()> {
    let servers = Servers::for_tests(ui, &layout.cache()).await?;
    let fresh = Fresh::begin(layout, &servers).await?;
    let mut check = cargo::cargo(layout);
    check.args(["check", "--workspace", "--all-targets"]);
    fresh.apply(&mut check);
    cargo::run(check).await.context("cargo check failed")?;
    ui.done(format!(".sqlx holds {} queries", fresh.commit(layout)?));
    servers.stop().await
}

fn committed(layout: &Layout) -> PathBuf {
    layout.root().join(".sqlx")
}

fn entries(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    if !dir.exists() {
        return Ok(BTreeMap::new());
    }
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            entries.insert(name, fs::read(path)?);
        }
    }
    Ok(entries)
}

/// Crates that did not change are not compiled again and would write nothing.
fn touch_query_crates(root: &Path) -> Result<()> {
    let now = SystemTime::now();
    for group in ["shared", "services", "integration"] {
        for entry in fs::read_dir(root.join(group))? {
            let dir = entry?.path();
            // Beside the manifest of every crate with checked queries: how their types map.
            if dir.join("sqlx.toml").exists() {
                for file in roots(&dir) {
                    fs::File::options()
                        .write(true)
                        .open(file)?
                        .set_modified(now)?;
                }
            }
        }
    }
    Ok(())
}

/// The files that cargo compiles first: the library, the program, and each test.
fn roots(dir: &Path) -> Vec<PathBuf> {
    let tests = fs::read_dir(dir.join("tests"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path());
    let known = ["src/lib.rs", "src/main.rs"].map(|file| dir.join(file));
    known
        .into_iter()
        .chain(tests)
        .filter(|file| {
            file.is_file() && file.extension().is_some_and(|extension| extension == "rs")
        })
        .collect()
}
