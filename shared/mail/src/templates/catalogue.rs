//! Reads the language files into one minijinja environment and renders from it.

use std::{collections::BTreeMap, sync::Arc};

use galaxy_core::Locale;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::{filters, html};

/// Sections that are no mails of their own.
const SHARED: [&str; 3] = ["greeting", "footer", "words"];
const LAYOUT: &str = "layout.html";

/// The words of each language that stand for codes.
pub(super) type Words = BTreeMap<(&'static str, &'static str), &'static str>;

/// All mails in all languages.
pub(super) struct Catalogue {
    environment: Environment<'static>,
    kinds: Vec<&'static str>,
}

/// A mail as it comes from its section.
pub(super) struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

const fn source(locale: Locale) -> &'static str {
    match locale {
        Locale::En => include_str!("../../templates/en.txt"),
        Locale::De => include_str!("../../templates/de.txt"),
        Locale::Ru => include_str!("../../templates/ru.txt"),
    }
}

impl Catalogue {
    /// Parses every section; an error names the one that does not parse.
    pub(super) fn load() -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.rsplit('.').next() == Some("html") {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        let mut words = Words::new();
        let mut kinds = vec![];
        for locale in Locale::ALL {
            let sections = sections(source(locale));
            words.extend(vocabulary(locale, shared(&sections, "words")?));
            for (kind, body) in sections.iter().filter(|(kind, _)| !SHARED.contains(kind)) {
                add(&mut environment, locale, kind, body, &sections)
                    .map_err(|error| format!("{}/{kind}: {error}", locale.as_str()))?;
                if locale == Locale::En {
                    kinds.push(*kind);
                }
            }
        }
        filters::add(&mut environment, Arc::new(words));
        environment
            .add_template(LAYOUT, include_str!("../../templates/layout.html"))
            .map_err(|error| error.to_string())?;
        Ok(Self { environment, kinds })
    }

    /// Every kind of mail there is.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.iter().copied()
    }

    pub(super) fn render(
        &self,
        kind: &str,
        locale: Locale,
        context: &impl Serialize,
    ) -> Result<Rendered, String> {
        let render = |part: &str| {
            let name = format!("{}/{kind}.{part}", locale.as_str());
            self.environment
                .get_template(&name)
                .and_then(|template| template.render(Serde(context)))
                .map_err(|error| error.to_string())
        };
        let subject = render("subject")?;
        let text = html::paragraphs(&render("txt")?).join("\n\n") + "\n";
        let paragraphs = html::markup(&render("html")?);
        let html = self
            .environment
            .get_template(LAYOUT)
            .and_then(|layout| {
                layout.render(minijinja::context! {
                    locale => locale.as_str(), subject => subject.as_str(), paragraphs
                })
            })
            .map_err(|error| error.to_string())?;
        Ok(Rendered {
            subject,
            text,
            html,
        })
    }
}

/// `(name, body)` of each `== name` section.
fn sections(source: &'static str) -> Vec<(&'static str, &'static str)> {
    source
        .strip_prefix("== ")
        .unwrap_or(source)
        .split("\n== ")
        .filter_map(|section| section.split_once('\n'))
        .map(|(name, body)| (name.trim(), body))
        .collect()
}

fn shared(sections: &[(&'static str, &'static str)], name: &str) -> Result<&'static str, String> {
    sections
        .iter()
        .find(|(found, _)| *found == name)
        .map(|(_, body)| *body)
        .ok_or_else(|| format!("there is no section {name}"))
}

fn vocabulary(
    locale: Locale,
    lines: &'static str,
) -> impl Iterator<Item = ((&'static str, &'static str), &'static str)> {
    lines
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(move |(code, word)| ((locale.as_str(), code.trim()), word.trim()))
}

/// Adds a section's three templates: subject, text and escaped text.
fn add(
    environment: &mut Environment<'static>,
    locale: Locale,
    kind: &str,
    section: &'static str,
    sections: &[(&'static str, &'static str)],
) -> Result<(), String> {
    let (subject, body) = section
        .split_once('\n')
        .ok_or_else(|| "it has no subject".to_owned())?;
    let body = format!(
        "{}\n{body}\n\n{}",
        shared(sections, "greeting")?,
        shared(sections, "footer")?
    );
    for (part, source) in [("subject", subject), ("txt", &body), ("html", &body)] {
        let name = format!("{}/{kind}.{part}", locale.as_str());
        environment
            .add_template_owned(name, source.to_owned())
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}
