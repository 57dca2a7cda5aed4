//! Where the stack keeps files: in the checkout's `.local`; what Postgres must reach, if root's checkout
//! is closed to other accounts, in a directory under `/var/tmp`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::account;

/// The directories of one checkout.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
    binaries: PathBuf,
    /// Reachable by every account.
    shared: PathBuf,
}

impl Layout {
    /// The layout of the checkout that this program was built from. Makes the directories.
    pub fn of_checkout() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root
            .canonicalize()
            .context("the checkout this program was built from is gone")?;
        let binaries = built_beside(&std::env::current_exe()?);
        let layout = Self {
            shared: shared_dir(&root)?,
            root,
            binaries,
        };
        for dir in [layout.local(), layout.logs(), layout.cache()] {
            fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        Ok(layout)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts the programs of this workspace, as it did the running one.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// The target that static programs are built for: that of containers on this machine.
    pub fn static_target() -> String {
        format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
    }

    /// Where cargo puts static programs, apart from the others.
    pub fn static_dir(&self) -> PathBuf {
        let target = self.binaries.parent().unwrap_or(&self.binaries);
        target.join("static")
    }

    /// The reference engine as a static program, for images.
    pub fn static_engine(&self) -> PathBuf {
        let place = self.static_dir().join(Self::static_target());
        place.join("debug/engine")
    }

    /// Where cargo-nextest writes what each test of `profile` printed.
    pub fn test_report(&self, profile: &str) -> PathBuf {
        let reports = self.root.join("target/nextest");
        reports.join(profile).join("junit.xml")
    }

    pub fn local(&self) -> PathBuf {
        self.root.join(".local")
    }

    pub fn logs(&self) -> PathBuf {
        self.local().join("logs")
    }

    /// Fetched packages; `down --wipe` keeps them.
    pub fn cache(&self) -> PathBuf {
        self.shared.join("cache")
    }

    /// Data of the servers; `down --wipe` removes them.
    pub fn data(&self) -> PathBuf {
        self.shared.join("data")
    }

    /// Describes the running stack to scripts.
    pub fn stack_file(&self) -> PathBuf {
        self.local().join("stack.json")
    }

    pub fn secrets(&self) -> PathBuf {
        self.local().join("secrets.json")
    }

    /// Held by the running `up`; holds its process id.
    pub fn lock(&self) -> PathBuf {
        self.local().join("up.lock")
    }

    /// Whose engines those of this checkout are, in Docker too: another checkout has another one.
    pub fn deployment(&self) -> String {
        format!("local-{:016x}", fingerprint(&self.root))
    }

    /// How the engines of the kept data run.
    pub fn driver(&self) -> PathBuf {
        self.local().join("driver")
    }

    /// The `Dockerfile` of the reference engine.
    pub fn dockerfile(&self) -> PathBuf {
        self.root.join("integration/engine/Dockerfile")
    }

    /// State of the engines that run as child processes.
    pub fn engines(&self) -> PathBuf {
        self.local().join("engines")
    }
}

/// `target/debug` for `target/debug/xtask` and for `target/debug/deps/some_test-0123`.
fn built_beside(program: &Path) -> PathBuf {
    let dir = program.parent().unwrap_or(Path::new("/"));
    if dir.ends_with("deps") {
        dir.parent().unwrap_or(dir)
    } else {
        dir
    }
    .to_owned()
}

fn shared_dir(root: &Path) -> Result<PathBuf> {
    let local = root.join(".local");
    if !account::is_root() || account::reachable_by_others(&local) {
        return Ok(local);
    }
    let place = PathBuf::from(format!("/var/tmp/galaxy-{:016x}", fingerprint(root)));
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let meta = fs::symlink_metadata(&place)?;
    if !meta.is_dir() || meta.uid() != 0 {
        bail!("{} belongs to another account; remove it", place.display());
    }
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    Ok(place)
}

/// FNV-1a: distinguishes checkouts, and is the same in every release of Rust.
fn fingerprint(path: &Path) -> u64 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_where_cargo_put_the_running_one() {
        for program in ["/t/debug/xtask", "/t/debug/deps/scenarios-0a1b"] {
            assert_eq!(built_beside(Path::new(program)), Path::new("/t/debug"));
        }
    }
}
