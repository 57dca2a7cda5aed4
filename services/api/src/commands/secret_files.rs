//! Files that each hold one secret: made once, never overwritten, whole or not there.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

/// A directory with the files of one reader.
pub(super) struct SecretFiles {
    dir: PathBuf,
    file_mode: u32,
}

impl SecretFiles {
    /// For the processes: they run with the user of the files, or with their group.
    pub(super) fn closed(dir: PathBuf) -> anyhow::Result<Self> {
        Self::open(dir, 0o750, 0o440)
    }

    /// For a server whose user nobody here knows: the directory must be a volume that it alone mounts.
    pub(super) fn readable(dir: PathBuf) -> anyhow::Result<Self> {
        Self::open(dir, 0o755, 0o444)
    }

    fn open(dir: PathBuf, mode: u32, file_mode: u32) -> anyhow::Result<Self> {
        let opened = fs::create_dir_all(&dir)
            .and_then(|()| fs::set_permissions(&dir, Permissions::from_mode(mode)));
        opened.with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self { dir, file_mode })
    }

    /// The content of a file, which is made with what `make` gives if it is not there.
    pub(super) fn keep(&self, name: &str, make: impl FnOnce() -> String) -> anyhow::Result<String> {
        let path = self.dir.join(name);
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => bail!(
                "{} is empty; remove it, and it is made again",
                path.display()
            ),
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = make();
                self.write(&path, &text)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(text)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// A file whose content follows from other files: made if it is not there, an error if it says something else.
    pub(super) fn follow(&self, name: &str, content: &str) -> anyhow::Result<()> {
        let kept = self.keep(name, || content.to_owned())?;
        if kept.trim_end() != content.trim_end() {
            let path = self.dir.join(name);
            bail!(
                "{} does not say what the other files say; remove it, and it is made again",
                path.display()
            );
        }
        Ok(())
    }

    /// A link makes it appear whole, and fails if another process was faster.
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let fresh = path.with_extension(format!("new-{}", std::process::id()));
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&fresh)?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.set_permissions(Permissions::from_mode(self.file_mode)))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&fresh, path));
        fs::remove_file(&fresh)?;
        written
    }
}
