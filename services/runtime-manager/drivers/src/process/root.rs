//! The deployment's directory: one for each game, and `node-id`, which makes it a node.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};

use galaxy_core::{GameId, entropy};
use uuid::Uuid;

use super::{durable, home::Home};

/// Begins the name of a game's directory that is being removed.
const DELETED: &str = ".deleted-";

/// The deployment's directory, with the id that its file held when it was opened.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    id: String,
}

impl Root {
    /// Opens the directory, makes it and its id file if they are missing, and finishes removals that were cut off.
    pub(super) fn open(directory: &Path, deployment: &str) -> io::Result<Self> {
        let mut parts = Path::new(deployment).components();
        if !matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(_)), None)
        ) {
            let text = format!("{deployment:?} is not the name of a directory");
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        let path = directory.join(deployment);
        fs::create_dir_all(&path).map_err(durable::naming(&path))?;
        let path = path.canonicalize()?;
        let id = match read_id(&path)? {
            Some(id) => id,
            None => make_id(&path)?,
        };
        let root = Self { path, id };
        root.finish_removals()?;
        Ok(root)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn home(&self, game: GameId) -> Home {
        Home::new(self.path.join(game.to_string()))
    }

    /// Errors unless this is still the directory that was opened: nothing follows from what another one holds, or one that
    /// is not mounted.
    pub(super) fn check(&self) -> io::Result<()> {
        match read_id(&self.path)? {
            Some(id) if id == self.id => Ok(()),
            found => Err(durable::unreadable(
                &id_file(&self.path),
                format!(
                    "this is not the directory of node {}: it says {found:?}",
                    self.id
                ),
            )),
        }
    }

    /// All games that have a directory, in order, and whether every entry could be read.
    pub(super) fn games(&self) -> io::Result<(Vec<GameId>, bool)> {
        let (mut games, mut complete) = (vec![], true);
        for entry in fs::read_dir(&self.path)? {
            match entry {
                Ok(entry) => games.extend(game_of(&entry)),
                Err(_) => complete = false,
            }
        }
        games.sort_unstable();
        Ok((games, complete))
    }

    /// Removes a game's directory: at once for everybody who looks, then file by file.
    pub(super) fn remove(&self, game: GameId) -> io::Result<()> {
        let aside = format!("{DELETED}{game}-{}", random_id());
        let aside = self.path.join(aside);
        fs::rename(self.path.join(game.to_string()), &aside)?;
        fs::remove_dir_all(aside)
    }

    fn finish_removals(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(DELETED)
                && let Err(error) = fs::remove_dir_all(entry.path())
                && error.kind() != ErrorKind::NotFound
            {
                tracing::warn!(path = %entry.path().display(), %error, "a deleted game's files cannot be removed");
            }
        }
        Ok(())
    }
}

fn game_of(entry: &fs::DirEntry) -> Option<GameId> {
    let name = entry.file_name();
    let game: GameId = name.to_str()?.parse().ok()?;
    // An id has other spellings, but no other directory.
    (name.to_str() == Some(&game.to_string())).then_some(game)
}

fn id_file(root: &Path) -> PathBuf {
    root.join("node-id")
}

fn read_id(root: &Path) -> io::Result<Option<String>> {
    let file = id_file(root);
    let Some(content) = durable::read(&file)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&content);
    let id: Uuid = text
        .trim()
        .parse()
        .map_err(|error| durable::unreadable(&file, error))?;
    Ok(Some(id.to_string()))
}

/// Another manager may do the same right now: the id is what the file holds in the end.
fn make_id(root: &Path) -> io::Result<String> {
    let id = random_id().to_string();
    durable::create(&id_file(root), format!("{id}\n").as_bytes(), &id)?;
    read_id(root)?.ok_or_else(|| durable::unreadable(&id_file(root), "it vanished"))
}

fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(entropy::bytes(&mut entropy::rng())).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_that_open_a_directory_at_once_agree_on_its_id() {
        let directory = tempfile::tempdir().unwrap();
        let ids: Vec<String> = std::thread::scope(|scope| {
            let open = || {
                Root::open(directory.path(), "test")
                    .unwrap()
                    .id()
                    .to_owned()
            };
            let opening: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            opening.into_iter().map(|id| id.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let entries = fs::read_dir(directory.path().join("test")).unwrap();
        assert_eq!(entries.count(), 1, "nothing but the id file is left");
    }

    #[test]
    fn a_deployment_is_one_directory_below() {
        let directory = tempfile::tempdir().unwrap();
        for wrong in ["", ".", "..", "a/b", "/tmp"] {
            assert!(Root::open(directory.path(), wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_directory_in_its_place_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::open(directory.path(), "test").unwrap();
        root.check().unwrap();
        let aside = directory.path().join("aside");
        fs::rename(root.path(), &aside).unwrap();
        assert!(root.check().is_err(), "missing");
        fs::create_dir(root.path()).unwrap();
        assert!(root.check().is_err(), "empty");
        Root::open(directory.path(), "test").unwrap();
        assert!(root.check().is_err(), "another node's");
    }
}
