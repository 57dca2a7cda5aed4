//! What dashboards and alert rules ask for, and whether it is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    page::{Labels, Pages},
    promql::{self, Names, Selector},
};

const DASHBOARDS: &str = "deploy/observability/grafana/dashboards";
const ALERTS: &str = "deploy/observability/alerts.yaml";
/// Labels that Prometheus adds to what it scrapes.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// An expression of a panel or of a rule.
#[derive(Debug)]
pub struct Wanted {
    place: String,
    names: Names,
    /// Labels that its legend or its texts show.
    shown: BTreeSet<String>,
}

/// Every expression of the repository.
pub fn read(root: &Path) -> Result<Vec<Wanted>> {
    let mut wanted = vec![];
    for path in dashboards(root)? {
        let dashboard: Value = serde_json::from_slice(&fs::read(&path)?)?;
        for panel in dashboard["panels"].as_array().context("no panels")? {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let place = format!("{}, {}", path.display(), panel["title"]);
                let legend = target["legendFormat"].as_str().unwrap_or_default();
                wanted.push(Wanted::of(place, &target["expr"], &[legend])?);
            }
        }
    }
    let rules: Value = serde_norway::from_slice(&fs::read(root.join(ALERTS))?)?;
    for group in rules["groups"].as_array().context("no groups")? {
        for rule in group["rules"].as_array().context("no rules")? {
            let texts: Vec<&str> = ["summary", "description"]
                .iter()
                .filter_map(|text| rule["annotations"][text].as_str())
                .collect();
            let place = format!("alert {}", rule["alert"]);
            wanted.push(Wanted::of(place, &rule["expr"], &texts)?);
        }
    }
    Ok(wanted)
}

fn dashboards(root: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(root.join(DASHBOARDS))?;
    Ok(files
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?)
}

impl Wanted {
    fn of(place: String, expression: &Value, texts: &[&str]) -> Result<Self> {
        let text = expression.as_str().context("no expression");
        let names = text.and_then(promql::read);
        Ok(Self {
            names: names.with_context(|| format!("{place}: {expression}"))?,
            shown: texts.iter().flat_map(|text| shown(text)).collect(),
            place,
        })
    }

    /// What of it no page has, in words.
    pub fn problems(&self, pages: &Pages) -> Vec<String> {
        let mut wrong = vec![];
        let mut known = BTreeSet::new();
        for selector in &self.names.selectors {
            let series = pages.series.get(&selector.metric);
            let Some(series) = series else {
                wrong.push(format!("there is no {}", selector.metric));
                continue;
            };
            known.extend(series.iter().flat_map(Labels::keys).map(String::as_str));
            wrong.extend(missing(selector, series));
        }
        let matched = self.names.selectors.iter().flat_map(|one| &one.matchers);
        let matched: BTreeSet<&str> = matched.map(|matcher| &*matcher.label).collect();
        for label in &self.names.groupings {
            if !known.contains(&**label) && !OF_PROMETHEUS.contains(&&**label) {
                wrong.push(format!("it groups by {label}, which nothing has"));
            }
        }
        for label in &self.shown {
            if !self.names.groupings.contains(label) && !matched.contains(&**label) {
                wrong.push(format!("it shows {label}, which its result has not"));
            }
        }
        let place = &self.place;
        wrong
            .iter()
            .map(|what| format!("{place}: {what}"))
            .collect()
    }
}

/// Labels and values of a selector that no series has. Values are looked for where they are plain texts, several of them
/// with `|` between.
fn missing(selector: &Selector, series: &[Labels]) -> Vec<String> {
    let mut wrong = vec![];
    let metric = &selector.metric;
    let plain = |value: &str| {
        value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let is =
        |labels: &Labels, label: &str, value: &str| labels.get(label).is_some_and(|v| v == value);
    let equal: Vec<_> = selector
        .matchers
        .iter()
        .filter(|one| one.operator == "=")
        .collect();
    let chosen: Vec<&Labels> = series
        .iter()
        .filter(|labels| equal.iter().all(|one| is(labels, &one.label, &one.value)))
        .collect();
    if chosen.is_empty() {
        wrong.push(format!("no series of {metric} has {equal:?}"));
    }
    for matcher in &selector.matchers {
        let label = &matcher.label;
        if !series.iter().any(|labels| labels.contains_key(label)) {
            wrong.push(format!("{metric} has no label {label}"));
        }
        if matcher.operator == "=~" {
            for value in matcher.value.split('|').filter(|value| plain(value)) {
                if !chosen.iter().any(|labels| is(labels, label, value)) {
                    wrong.push(format!("no series of {metric} has {label}={value}"));
                }
            }
        }
    }
    wrong
}

/// The labels in `{{label}}` and `{{ $labels.label }}`.
fn shown(text: &str) -> Vec<String> {
    let inside = text
        .split("{{")
        .skip(1)
        .filter_map(|part| part.split("}}").next());
    inside
        .map(|words| words.trim().trim_start_matches("$labels."))
        .filter(|words| !words.starts_with("$value"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(expression: &str, legend: &str) -> Vec<String> {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            let owned = pairs
                .iter()
                .map(|(l, v)| ((*l).to_owned(), (*v).to_owned()));
            owned.collect()
        };
        let mut pages = Pages::default();
        let series = vec![
            labels(&[("op", "turn"), ("outcome", "failed")]),
            labels(&[("op", "stop"), ("outcome", "lost")]),
        ];
        pages.series.insert("tries_total".to_owned(), series);
        let wanted = Wanted::of("here".to_owned(), &expression.into(), &[legend]).unwrap();
        wanted.problems(&pages)
    }

    #[test]
    fn what_is_there_is_no_problem() {
        assert_eq!(
            problems(
                "sum by (op, instance) (rate(tries_total{outcome=~\"failed|lost\"}[5m]))",
                "{{op}}"
            ),
            [""; 0]
        );
        assert_eq!(
            problems(
                "tries_total{op=\"turn\",outcome!=\"x\"}",
                "{{ $labels.op }} {{ $value | humanize }}"
            ),
            [""; 0]
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (expression, legend, said) in [
            ("retries_total", "", "no retries_total"),
            ("tries_total{kind!=\"x\"}", "", "no label kind"),
            ("tries_total{op=\"start\"}", "", "no series of tries_total"),
            (
                "tries_total{op=\"turn\",outcome=\"lost\"}",
                "",
                "no series of tries_total",
            ),
            (
                "tries_total{outcome=~\"failed|broken\"}",
                "",
                "outcome=broken",
            ),
            ("sum by (kind) (tries_total)", "", "groups by kind"),
            ("sum by (op) (tries_total)", "{{outcome}}", "shows outcome"),
        ] {
            let found = problems(expression, legend).join("\n");
            assert!(found.contains(said), "{expression}: {found}");
        }
    }
}
