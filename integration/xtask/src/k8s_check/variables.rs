//! Every variable that an object sets is one that the binary knows, by its own `--help`.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail};
use galaxy_stack::Layout;
use serde_json::Value;
use tokio::process::Command;

use super::objects::{Objects, items, name};

const BINARIES: [&str; 6] = [
    "api",
    "gateway",
    "mailer",
    "notifier",
    "push-hub",
    "runtime-manager",
];

/// The variables of each binary.
pub type Known = HashMap<String, HashSet<String>>;

/// Asks each binary of the build.
pub async fn of_binaries(layout: &Layout) -> Result<Known> {
    let mut known = Known::new();
    for binary in BINARIES {
        let output = Command::new(layout.binaries().join(binary))
            .arg("--help")
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("{binary} cannot be run"))?;
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        let variables = names(&help);
        if variables.is_empty() {
            bail!("{binary} --help lists no variables");
        }
        known.insert(binary.to_owned(), variables);
    }
    Ok(known)
}

/// What is set and not known, or not in the form that it is read in.
pub fn problems(objects: &Objects, known: &Known) -> Vec<String> {
    let mut wrong = vec![];
    for workload in objects.workloads() {
        for container in workload.containers() {
            let image = container["image"].as_str().unwrap_or_default();
            let Some(variables) = binary(image).and_then(|binary| known.get(binary)) else {
                continue;
            };
            let set = items(&container["env"]).filter_map(|variable| variable["name"].as_str());
            for variable in set.chain(shared(objects, container)) {
                let base = variable.strip_suffix("_FILE").unwrap_or(variable);
                if !variables.contains(variable) && !variables.contains(base) {
                    wrong.push(format!(
                        "{} {}: its binary does not know {variable}",
                        workload.kind, workload.name
                    ));
                }
            }
        }
    }
    wrong
}

/// The names that `help` lists, one at the beginning of a line.
fn names(help: &str) -> HashSet<String> {
    help.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| {
            ["BACKEND_", "GATEWAY_", "OTEL_"]
                .iter()
                .any(|prefix| word.starts_with(prefix))
        })
        .map(str::to_owned)
        .collect()
}

/// `registry/galaxy/api:1` is of the binary `api`.
fn binary(image: &str) -> Option<&str> {
    let (_, last) = image.rsplit_once("galaxy/")?;
    last.split([':', '@']).next()
}

/// The names in the config maps that a container takes whole.
fn shared<'a>(objects: &'a Objects, container: &'a Value) -> impl Iterator<Item = &'a str> {
    items(&container["envFrom"])
        .filter_map(|source| source["configMapRef"]["name"].as_str())
        .flat_map(|map| {
            objects
                .of("ConfigMap")
                .filter(move |object| name(object) == map)
        })
        .filter_map(|map| map["data"].as_object())
        .flat_map(|data| data.keys().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_variable_that_the_binary_does_not_know_is_found() {
        let help = "api: serves\n\n  BACKEND_LOG   info   What\n  BACKEND_AUTH_PEPPER   required, or NAME_FILE   Key\n";
        let known = Known::from([("api".to_owned(), names(help))]);
        let object = json!({"kind": "Deployment", "metadata": {"name": "api"}, "spec": {"template": {"spec": {
            "containers": [{
                "image": "registry.example.org:5000/galaxy/api:1",
                "env": [{"name": "BACKEND_AUTH_PEPPER_FILE"}, {"name": "BACKEND_AUTH_PEPER"}],
                "envFrom": [{"configMapRef": {"name": "settings-1"}}],
            }],
        }}}});
        let settings = json!({"kind": "ConfigMap", "metadata": {"name": "settings-1"},
            "data": {"BACKEND_LOG": "info", "BACKEND_NATS": "x"}});
        assert_eq!(
            problems(&Objects(vec![object, settings]), &known),
            [
                "Deployment api: its binary does not know BACKEND_AUTH_PEPER",
                "Deployment api: its binary does not know BACKEND_NATS"
            ]
        );
    }
}
