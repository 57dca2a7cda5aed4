//! `.sqlx`: the types of each query, as the database describes them, so that building needs no database.
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

/// An empty cache that compiling fills.
#[derive(Debug)]
pub struct FreshCache {
    dir: TempDir,
    database_url: String,
}

impl FreshCache {
    /// Makes a database with all tables and an empty cache, and has the macros run again.
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

    /// Points a call of cargo to it.
    pub fn apply(&self, command: &mut Command) {
        command
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", self.dir.path())
            .env("DATABASE_URL", &self.database_url);
    }

    /// An error if the committed cache differs.
    pub fn compare(&self, layout: &Layout) -> Result<String> {
        let fresh = entries(self.dir.path())?;
        compare(&entries(&committed(layout))?, &fresh)?;
        Ok(format!("{} queries", fresh.len()))
    }

    /// Replaces the committed cache.
    fn commit(&self, place: &Path) -> Result<usize> {
        fs::create_dir_all(place)?;
        let (old, fresh) = (entries(place)?, entries(self.dir.path())?);
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
    let fresh = FreshCache::begin(layout, &servers).await?;
    let mut check = cargo::cargo(layout);
    check.args(["check", "--workspace", "--all-targets"]);
    fresh.apply(&mut check);
    cargo::run(check).await.context("cargo check failed")?;
    ui.done(format!(
        ".sqlx holds {} queries",
        fresh.commit(&committed(layout))?
    ));
    servers.stop().await
}

fn committed(layout: &Layout) -> PathBuf {
    layout.root().join(".sqlx")
}

/// Content by file name.
type Entries = BTreeMap<String, Vec<u8>>;

fn compare(committed: &Entries, fresh: &Entries) -> Result<()> {
    let missing = fresh
        .keys()
        .filter(|name| !committed.contains_key(*name))
        .count();
    let unused = committed
        .keys()
        .filter(|name| !fresh.contains_key(*name))
        .count();
    let known = fresh
        .iter()
        .filter_map(|(name, entry)| Some((committed.get(name)?, entry)));
    let different = known
        .filter(|(committed, fresh)| committed != fresh)
        .count();
    if missing + unused + different > 0 {
        bail!(
            ".sqlx: {missing} missing, {unused} unused, {different} different: cargo xtask prepare"
        );
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Entries> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_cache_replaces_the_old_one_and_every_difference_is_found() {
        let (dir, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |dir: &Path, name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
        write(dir.path(), "new.json", "1");
        write(dir.path(), "changed.json", "2");
        write(place.path(), "changed.json", "1");
        write(place.path(), "unused.json", "1");
        let fresh = FreshCache {
            dir,
            database_url: String::new(),
        };
        let compare_with = |place: &Path| {
            compare(
                &entries(place).unwrap(),
                &entries(fresh.dir.path()).unwrap(),
            )
        };
        let error = compare_with(place.path()).unwrap_err().to_string();
        assert!(
            error.contains("1 missing, 1 unused, 1 different"),
            "{error}"
        );
        assert_eq!(fresh.commit(place.path()).unwrap(), 2);
        compare_with(place.path()).unwrap();
    }
}
