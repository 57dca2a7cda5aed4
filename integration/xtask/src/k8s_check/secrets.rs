//! Every secret, setting and account that a pod names is there: in the overlay, or among those that an operator makes.

use serde_json::Value;

use super::objects::{Objects, items, name};

/// What an operator makes for production, with the keys of each, as `k8s/README.md` lists them.
const BY_OPERATORS: [(&str, &[&str]); 8] = [
    ("postgres", &["postgres-url"]),
    ("postgres-owner", &["postgres-owner-url"]),
    ("nats", &["nats-credentials"]),
    ("gateway-token", &["gateway-token"]),
    ("unsubscribe-key", &["unsubscribe-key"]),
    ("api", &["auth-pepper", "admin-bootstrap-password"]),
    ("gateway", &["gateway-signing-key"]),
    ("smtp", &["smtp-url"]),
];

/// What is named and is not there, and secrets that an overlay holds itself although nobody should commit them.
pub fn problems(objects: &Objects, overlay: &str) -> Vec<String> {
    let mut wrong = vec![];
    if overlay == "production" {
        wrong.extend(
            objects
                .of("Secret")
                .map(|secret| format!("Secret {}: is in the overlay", name(secret))),
        );
    }
    let has = |secret: &str, key: &str| {
        let rendered = objects
            .of("Secret")
            .any(|object| name(object) == secret && !object["data"][key].is_null());
        let by_operator = BY_OPERATORS
            .iter()
            .any(|(name, keys)| *name == secret && keys.contains(&key));
        rendered || (overlay == "production" && by_operator)
    };
    for workload in objects.workloads() {
        let mut missing = |what: String| {
            wrong.push(format!(
                "{} {}: {what} is not there",
                workload.kind, workload.name
            ));
        };
        for (secret, key) in keys_of(workload.pod) {
            if !has(secret, key) {
                missing(format!("key {key} of secret {secret}"));
            }
        }
        for volume in items(&workload.pod["volumes"]) {
            let whole = volume["secret"]["secretName"].as_str();
            if let Some(secret) =
                whole.filter(|secret| !objects.of("Secret").any(|object| name(object) == *secret))
            {
                missing(format!("secret {secret}"));
            }
        }
        for container in workload.containers() {
            for source in items(&container["envFrom"]) {
                let settings = source["configMapRef"]["name"].as_str().unwrap_or_default();
                if !objects
                    .of("ConfigMap")
                    .any(|object| name(object) == settings)
                {
                    missing(format!("config map {settings}"));
                }
            }
            for file in files_of(container) {
                let mounted = keys_of(workload.pod)
                    .any(|(_, key)| file == format!("/run/secrets/galaxy/{key}"))
                    || items(&workload.pod["volumes"])
                        .any(|volume| volume["secret"]["secretName"].is_string());
                if !mounted {
                    missing(format!("file {file}"));
                }
            }
        }
        if let Some(account) = workload.pod["serviceAccountName"].as_str()
            && !objects
                .of("ServiceAccount")
                .any(|object| name(object) == account)
        {
            missing(format!("account {account}"));
        }
    }
    wrong
}

/// The keys of secrets that a pod mounts one by one.
fn keys_of(pod: &Value) -> impl Iterator<Item = (&str, &str)> {
    items(&pod["volumes"])
        .flat_map(|volume| items(&volume["projected"]["sources"]))
        .flat_map(|source| {
            let secret = &source["secret"];
            items(&secret["items"])
                .filter_map(|item| Some((secret["name"].as_str()?, item["key"].as_str()?)))
        })
}

/// The files that a container's `NAME_FILE` variables name.
fn files_of(container: &Value) -> impl Iterator<Item = &str> {
    items(&container["env"])
        .filter(|variable| {
            let name = variable["name"].as_str().unwrap_or_default();
            name.ends_with("_FILE")
        })
        .filter_map(|variable| variable["value"].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(secret: &Value, overlay: &str) -> Vec<String> {
        let deployment = json!({"kind": "Deployment", "metadata": {"name": "api"}, "spec": {"template": {"spec": {
            "containers": [{"env": [{"name": "BACKEND_AUTH_PEPPER_FILE", "value": "/run/secrets/galaxy/auth-pepper"}]}],
            "volumes": [{"projected": {"sources": [{"secret": secret}]}}],
        }}}});
        problems(&Objects(vec![deployment]), overlay)
    }

    #[test]
    fn what_a_pod_names_has_to_be_there() {
        let known = json!({"name": "api", "items": [{"key": "auth-pepper"}]});
        assert!(with(&known, "production").is_empty());
        assert!(with(&known, "local")[0].contains("key auth-pepper of secret api"));
        let unknown = json!({"name": "api", "items": [{"key": "auth-peper"}]});
        assert_eq!(
            with(&unknown, "production").len(),
            2,
            "the key, and the file that is not mounted"
        );
    }

    #[test]
    fn production_holds_no_secret() {
        let secret =
            json!({"kind": "Secret", "metadata": {"name": "api"}, "data": {"auth-pepper": "eA=="}});
        let found = problems(&Objects(vec![secret]), "production");
        assert_eq!(found, ["Secret api: is in the overlay"]);
    }
}
