//! Credentials for registries, from a file in the format of Docker's own `config.json`.
//!
//! The file is read at each pull, so that a new password needs no restart. Nothing that it holds gets into a text.

use std::{collections::HashMap, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bollard::auth::DockerCredentials;
use serde::Deserialize;

use crate::{DriverError, Result};

/// The registry of references that name none.
const DEFAULT: &str = "docker.io";
/// What Docker calls it in its files.
const DEFAULT_IN_FILES: &str = "index.docker.io";

/// Of `config.json` the part that holds credentials; helper programs are not run.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    auths: HashMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// `user:password` in base64.
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// What the file at `path` has for `registry`.
pub(super) async fn read(path: &Path, registry: &str) -> Result<Option<DockerCredentials>> {
    let fault = |what: &str| {
        let path = path.display();
        DriverError::no_image(format!("the registry credentials in {path} {what}"))
    };
    let text = tokio::fs::read(path).await;
    let text = text.map_err(|error| fault(&format!("cannot be read: {error}")))?;
    parse(&text, registry).map_err(|what| fault(&what))
}

/// The registry of a repository, as references name it.
pub(super) fn registry_of(repository: &str) -> &str {
    match repository.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => DEFAULT,
    }
}

/// Errors say where the fault is, and never quote: the text around it is secret.
fn parse(text: &[u8], registry: &str) -> Result<Option<DockerCredentials>, String> {
    let file: File = serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("are not in the format of Docker's config.json: line {line}, column {column}")
    })?;
    let mut entries = file.auths.into_iter();
    let Some((name, entry)) = entries.find(|(name, _)| host_of(name) == host_of(registry)) else {
        return Ok(None);
    };
    let (mut username, mut password) = (entry.username, entry.password);
    if let Some(auth) = entry.auth.filter(|auth| !auth.is_empty()) {
        let pair = login(&auth).ok_or_else(|| {
            format!("have an auth for {name} that is not user:password in base64")
        })?;
        (username, password) = (Some(pair.0), Some(pair.1));
    }
    Ok(Some(DockerCredentials {
        username,
        password,
        identitytoken: entry.identitytoken,
        registrytoken: entry.registrytoken,
        serveraddress: Some(name),
        ..DockerCredentials::default()
    }))
}

/// Files name registries by host, or by an address with scheme and path.
fn host_of(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    let host = name.split('/').next().unwrap_or(name);
    if host == DEFAULT {
        DEFAULT_IN_FILES
    } else {
        host
    }
}

fn login(auth: &str) -> Option<(String, String)> {
    let plain = String::from_utf8(BASE64_STANDARD.decode(auth).ok()?).ok()?;
    let (user, password) = plain.split_once(':')?;
    Some((user.to_owned(), password.trim_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, repository: &str) -> Option<(String, String)> {
        let found = parse(text.as_bytes(), registry_of(repository)).unwrap()?;
        Some((found.username?, found.password?))
    }

    #[test]
    fn an_entry_is_found_by_its_host() {
        let auth = BASE64_STANDARD.encode("ada:pass:word");
        let file = serde_json::json!({ "auths": {
            "https://index.docker.io/v1/": { "auth": auth },
            "r.example.org:5000": { "username": "grace", "password": "secret" },
        } });
        let file = file.to_string();
        let ada = Some(("ada".to_owned(), "pass:word".to_owned()));
        let grace = Some(("grace".to_owned(), "secret".to_owned()));
        for (repository, expected) in [
            ("engine", &ada),
            ("galaxy/engine", &ada),
            ("docker.io/galaxy/engine", &ada),
            ("r.example.org:5000/engine", &grace),
            ("r.example.org/engine", &None),
            ("localhost/engine", &None),
        ] {
            assert_eq!(&found(&file, repository), expected, "{repository}");
        }
        assert_eq!(found("{}", "engine"), None);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_not_quoted() {
        for text in [
            r#"{"auths": {"docker.io": {"auth": "c2VjcmV0"}}}"#,
            r#"{"auths": {"docker.io": {"auth": "secret"}}}"#,
            r#"{"auths": {"docker.io": "secret"}}"#,
            r#"{"auths": "secret"}"#,
            "secret",
        ] {
            let error = parse(text.as_bytes(), DEFAULT).unwrap_err();
            let quoted = error.contains("secret") || error.contains("c2VjcmV0");
            assert!(!quoted, "{error}");
        }
    }
}
