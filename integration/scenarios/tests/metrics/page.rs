//! The `/metrics` pages of all processes of a stack, in Prometheus' text format.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use galaxy_stack::{StackFile, web};
use http::StatusCode;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// All that is exported, by the name of the series: `x_bucket`, not `x`.
#[derive(Debug, Default)]
pub struct Pages {
    pub series: BTreeMap<String, Vec<Labels>>,
    pub families: BTreeMap<String, Family>,
}

/// What `# HELP` and `# TYPE` say, and by whom.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub processes: BTreeSet<String>,
    pub labels: BTreeSet<String>,
}

impl Pages {
    /// Those of every process of the stack.
    pub async fn of(file: &StackFile) -> Result<Self> {
        let mut pages = Self::default();
        for (process, ops) in &file.ops {
            let (status, body) = web::get(&format!("{ops}/metrics")).await?;
            ensure!(status == StatusCode::OK, "{process}: {status}");
            let text = String::from_utf8(body.to_vec())?;
            pages
                .add(process, &text)
                .with_context(|| process.to_owned())?;
        }
        Ok(pages)
    }

    fn add(&mut self, process: &str, text: &str) -> Result<()> {
        let mut family = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let kind = words.next().unwrap_or_default();
                words.next().unwrap_or_default().clone_into(&mut family);
                let rest = words.next().unwrap_or_default().to_owned();
                let known = self.families.entry(family.clone()).or_default();
                match kind {
                    "HELP" => known.help = rest,
                    "TYPE" => known.kind = rest,
                    _ => {}
                }
                continue;
            }
            let (name, labels) = series(line).with_context(|| line.to_owned())?;
            let known = self.families.entry(family.clone()).or_default();
            known.processes.insert(process.to_owned());
            known.labels.extend(labels.keys().cloned());
            self.series.entry(name).or_default().push(labels);
        }
        Ok(())
    }
}

/// Name and labels of a line such as `name{label="value"} 1`.
fn series(line: &str) -> Result<(String, Labels)> {
    let end = line.find(['{', ' ']).context("no value")?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, quoted) = rest.split_once("=\"").context("no value of a label")?;
            let (value, after) = until_quote(quoted).context("an open quote")?;
            labels.insert(label.trim_start_matches(',').to_owned(), value);
            rest = after;
        }
    }
    Ok((name.to_owned(), labels))
}

/// The text up to the closing quote, without escapes, and what follows.
fn until_quote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_escapes() {
        let page = "# HELP a_total Things, by kind\n# TYPE a_total counter\na_total{kind=\"x, \\\"y\\\" = {}\",b=\"\"} 3\na_total 1\n";
        let mut pages = Pages::default();
        pages.add("api", page).unwrap();
        pages.add("mailer", page).unwrap();
        let family = &pages.families["a_total"];
        assert_eq!(
            (&*family.kind, &*family.help),
            ("counter", "Things, by kind")
        );
        assert_eq!(family.processes.len(), 2);
        assert_eq!(
            pages.series["a_total"][0],
            Labels::from([
                ("kind".to_owned(), "x, \"y\" = {}".to_owned()),
                ("b".to_owned(), String::new())
            ])
        );
        assert!(pages.add("api", "a{b=\"c} 1\n").is_err());
    }
}
