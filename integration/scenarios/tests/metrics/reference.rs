//! `docs/metrics.md`: made of what a running stack exports.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use anyhow::Result;

use crate::page::{Family, Pages};

/// With this variable set, the file is written instead of compared.
pub const WRITE: &str = "GALAXY_WRITE_METRICS";

const FILE: &str = "docs/metrics.md";
/// Labels that every series has, and those that belong to the form of histograms.
const COMMON: [&str; 3] = ["service", "otel_scope_name", "le"];
const PROCESSES: usize = 6;

const HEAD: &str = "# Metrics

What `/metrics` of each process exports. Generated from a running stack by the scenario `metrics`; do not edit. After a change:
`GALAXY_WRITE_METRICS=1 cargo xtask test dashboards_alerts_and_the_reference`.

Every series has the label `service`, the name of its process. Counters with labels begin at 0. Gauges that are read from the
database or from NATS are the same in every replica: take `max`. Over OTLP the same instruments have dots in their names, without
the unit and `_total`; `process_*` are on the page alone.

| metric | type | labels | processes | meaning |
| --- | --- | --- | --- | --- |
";

pub fn write(root: &Path, pages: &Pages) -> Result<()> {
    let mut text = HEAD.to_owned();
    for (name, family) in &pages.families {
        writeln!(text, "{}", line(name, family))?;
    }
    Ok(fs::write(root.join(FILE), text)?)
}

/// The lines that are missing in the file, and those that it has too many.
pub fn differences(root: &Path, pages: &Pages) -> Vec<String> {
    let text = fs::read_to_string(root.join(FILE)).unwrap_or_default();
    let written: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let lines: Vec<String> = pages
        .families
        .iter()
        .map(|(name, family)| line(name, family))
        .collect();
    let exported: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    let lacks = exported.difference(&written);
    let stale = written.difference(&exported);
    lacks
        .map(|line| format!("{FILE} lacks {line}"))
        .chain(stale.map(|line| format!("{FILE} has, and nothing exports: {line}")))
        .collect()
}

fn line(name: &str, family: &Family) -> String {
    let labels: Vec<String> = family
        .labels
        .iter()
        .filter(|label| !COMMON.contains(&&***label))
        .map(|label| format!("`{label}`"))
        .collect();
    let processes: Vec<&str> = family.processes.iter().map(String::as_str).collect();
    let processes = if processes.len() == PROCESSES {
        "all".to_owned()
    } else {
        processes.join(", ")
    };
    let (kind, labels, help) = (&family.kind, labels.join(", "), &family.help);
    format!("| `{name}` | {kind} | {labels} | {processes} | {help} |")
}
