//! `api init-secrets DIR`: the secrets of a deployment, made at its first start and kept for ever.
//!
//! A directory for each reader, so that each mounts only its own: `backend` (the processes behind the gateway), `gateway`,
//! `owner` (what migrates), `postgres`, `nats`. Names of servers, users and database are those of `compose.yaml`.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use galaxy_core::entropy;

use super::secret_files::SecretFiles;

/// Makes what is missing; a file that is there is never overwritten. Returns what to print: no secret.
pub(super) fn run(dir: &Path) -> anyhow::Result<String> {
    let backend = SecretFiles::closed(dir.join("backend"))?;
    let gateway = SecretFiles::closed(dir.join("gateway"))?;
    let owner = SecretFiles::closed(dir.join("owner"))?;
    let postgres = SecretFiles::readable(dir.join("postgres"))?;
    let nats = SecretFiles::readable(dir.join("nats"))?;

    backend.keep("auth-pepper", key)?;
    backend.keep("unsubscribe-key", key)?;
    backend.keep("admin-password", || word(24))?;
    gateway.keep("signing-key", key)?;

    let token = backend.keep("gateway-token", || word(40))?;
    gateway.follow("gateway-token", &token)?;

    let password = postgres.keep("password", || word(32))?;
    owner.follow("postgres-url", &url("galaxy", &password))?;
    let password = owner.keep("runtime-password", || word(32))?;
    backend.follow("postgres-url", &url("galaxy_runtime", &password))?;

    let credentials = backend.keep("nats-credentials", || format!("galaxy:{}", word(32)))?;
    gateway.follow("nats-credentials", &credentials)?;
    nats.follow("auth.conf", &nats_users(&credentials)?)?;
    Ok(format!("the secrets are in {}\n", dir.display()))
}

/// Of the database, for a role.
fn url(role: &str, password: &str) -> String {
    format!("postgres://{role}:{}@postgres/galaxy", password.trim_end())
}

/// The part of a NATS configuration that admits these credentials and no others.
fn nats_users(credentials: &str) -> anyhow::Result<String> {
    let (user, password) = credentials.trim_end().split_once(':').ok_or_else(|| {
        anyhow::anyhow!("backend/nats-credentials is not user:password; correct it")
    })?;
    let quoted = |text: &str| format!("{text:?}");
    Ok(format!(
        "authorization {{\n  user: {}\n  password: {}\n}}\n",
        quoted(user),
        quoted(password)
    ))
}

/// A key of 32 random bytes, in base64.
fn key() -> String {
    BASE64_STANDARD.encode(entropy::bytes::<32>(&mut entropy::rng()))
}

/// So many characters that can be read aloud, 5 random bits each.
fn word(length: usize) -> String {
    entropy::readable(&mut entropy::rng(), length)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::PathBuf};

    use super::*;

    /// A directory that is removed at the end.
    struct Dir(PathBuf);

    impl Dir {
        fn new(test: &str) -> Self {
            let name = format!("galaxy-{test}-{}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        /// Content and mode of each file.
        fn files(&self) -> BTreeMap<String, (String, u32)> {
            let dirs = fs::read_dir(&self.0).unwrap();
            let files = dirs.flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap());
            let file = files.map(|file| {
                let path = file.unwrap().path();
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                let name = path.strip_prefix(&self.0).unwrap().display().to_string();
                (name, (fs::read_to_string(&path).unwrap(), mode))
            });
            file.collect()
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn secrets_are_made_once_closed_to_others_and_never_overwritten() {
        let dir = Dir::new("secrets");
        run(&dir.0).unwrap();
        let first = dir.files();
        assert_eq!(first.len(), 13, "{:?}", first.keys());
        for (name, (_, mode)) in &first {
            let server = name.starts_with("postgres/") || name.starts_with("nats/");
            assert_eq!(*mode, if server { 0o444 } else { 0o440 }, "{name}");
        }
        run(&dir.0).unwrap();
        assert_eq!(dir.files(), first);

        let other = Dir::new("other-secrets");
        run(&other.0).unwrap();
        for (name, (text, _)) in other.files() {
            assert_ne!(
                first[&name].0, text,
                "{name} is the same in two deployments"
            );
        }
    }

    #[test]
    fn a_secret_that_two_readers_share_is_the_same_to_both() {
        let dir = Dir::new("shared-secrets");
        run(&dir.0).unwrap();
        let files = dir.files();
        for name in ["gateway-token", "nats-credentials"] {
            let of = |reader: &str| &files[&format!("{reader}/{name}")].0;
            assert_eq!(of("backend"), of("gateway"));
        }
        for (password, url) in [
            ("postgres/password", "owner/postgres-url"),
            ("owner/runtime-password", "backend/postgres-url"),
        ] {
            assert!(files[url].0.contains(&files[password].0), "{url}");
        }
        assert!(
            !files["backend/postgres-url"]
                .0
                .contains(&files["postgres/password"].0)
        );
    }

    #[test]
    fn what_is_missing_is_made_from_what_is_there() {
        let dir = Dir::new("missing-secrets");
        run(&dir.0).unwrap();
        let first = dir.files();
        for lost in [
            "backend/postgres-url",
            "owner/postgres-url",
            "gateway/gateway-token",
            "nats/auth.conf",
        ] {
            fs::remove_file(dir.0.join(lost)).unwrap();
        }
        run(&dir.0).unwrap();
        assert_eq!(dir.files(), first);
    }

    #[test]
    fn a_file_that_contradicts_another_or_is_empty_is_named() {
        let dir = Dir::new("wrong-secrets");
        run(&dir.0).unwrap();
        for (name, text) in [
            ("gateway/gateway-token", "other"),
            ("backend/auth-pepper", ""),
        ] {
            let path = dir.0.join(name);
            let right = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", run(&dir.0).unwrap_err());
            assert!(
                error.contains(name) && error.contains("remove it"),
                "{error}"
            );
            fs::write(&path, right).unwrap();
        }
        run(&dir.0).unwrap();
    }
}
