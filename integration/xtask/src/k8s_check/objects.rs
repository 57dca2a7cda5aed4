//! Rendered objects, and ways into them.

use anyhow::{Context, Result};
use serde::Deserialize as _;
use serde_json::Value;

/// The objects of an overlay.
#[derive(Debug, Clone)]
pub struct Objects(pub Vec<Value>);

/// The parts of an object that runs pods.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// `Deployment`, `StatefulSet` or `Job`.
    pub kind: &'a str,
    /// Of the object.
    pub name: &'a str,
    /// Its pods' labels.
    pub labels: &'a Value,
    /// Its pods' spec.
    pub pod: &'a Value,
}

impl Objects {
    /// Reads a stream of YAML documents.
    pub fn read(text: &str) -> Result<Self> {
        serde_norway::Deserializer::from_str(text)
            .map(|document| Value::deserialize(document).context("kustomize gave no YAML"))
            .collect::<Result<_>>()
            .map(Self)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of a kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// Everything that runs pods.
    pub fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        self.0.iter().filter_map(|object| {
            let kind = object["kind"].as_str()?;
            let template = matches!(kind, "Deployment" | "StatefulSet" | "Job")
                .then(|| &object["spec"]["template"])?;
            Some(Workload {
                kind,
                name: name(object),
                labels: &template["metadata"]["labels"],
                pod: &template["spec"],
            })
        })
    }
}

impl<'a> Workload<'a> {
    pub fn containers(self) -> impl Iterator<Item = &'a Value> {
        ["containers", "initContainers"]
            .into_iter()
            .flat_map(move |list| items(&self.pod[list]))
    }

    /// Whether it is one of the platform's processes.
    pub fn is_process(self) -> bool {
        self.kind == "Deployment" && self.labels["galaxy.dev/process"] == "true"
    }
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The items of a list; none if it is absent.
pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Whether `labels` have all that the `matchLabels` of `selector` ask for; an empty selector selects everything.
pub fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector["matchLabels"].as_object();
    let exact = wanted
        .into_iter()
        .flatten()
        .all(|(key, value)| labels[key] == *value);
    let among = items(&selector["matchExpressions"]).all(|rule| {
        let value = &labels[rule["key"].as_str().unwrap_or_default()];
        rule["operator"] == "In" && items(&rule["values"]).any(|allowed| allowed == value)
    });
    exact && among
}
