//! Parses the language files into one minijinja environment and renders mails from it.

use std::fmt;

use galaxy_core::Locale;
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::{filters, html, words::Words};

const GREETING: &str = "greeting";
const FOOTER: &str = "footer";
const WORDS: &str = "words";
/// Sections that other sections use and that are not mails themselves.
const SHARED: [&str; 3] = [GREETING, FOOTER, WORDS];
const LAYOUT: &str = "layout.html";

/// All mails in all languages.
pub(super) struct Catalogue {
    environment: Environment<'static>,
}

/// A mail as rendered from its section.
pub(super) struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The three templates that a section is split into. minijinja escapes values in those whose name ends in `.html`.
#[derive(Clone, Copy)]
enum Part {
    Subject,
    Text,
    Html,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject",
            Self::Text => "txt",
            Self::Html => "html",
        })
    }
}

const fn source(locale: Locale) -> &'static str {
    match locale {
        Locale::En => include_str!("../../templates/en.txt"),
        Locale::De => include_str!("../../templates/de.txt"),
        Locale::Ru => include_str!("../../templates/ru.txt"),
    }
}

fn template_name(locale: Locale, kind: &str, part: Part) -> String {
    format!("{}/{kind}.{part}", locale.as_str())
}

impl Catalogue {
    /// Parses every section; an error names the one that does not parse.
    pub(super) fn load() -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut words = Words::default();
        for locale in Locale::ALL {
            let sections = Sections::parse(source(locale));
            words.add(locale, sections.get(WORDS)?);
            for (kind, section) in sections.mails() {
                add(&mut environment, locale, kind, section, &sections)
                    .map_err(|error| format!("{}/{kind}: {error}", locale.as_str()))?;
            }
        }
        filters::register(&mut environment, words);
        environment
            .add_template(LAYOUT, include_str!("../../templates/layout.html"))
            .map_err(|error| error.to_string())?;
        Ok(Self { environment })
    }

    /// Every kind of mail that the English file has.
    #[cfg(test)]
    pub(super) fn kinds(&self) -> Vec<&str> {
        self.environment
            .templates()
            .filter_map(|(name, _)| name.strip_prefix("en/")?.strip_suffix(".subject"))
            .collect()
    }

    /// Renders the section `kind`; an error says which value is missing or wrong.
    pub(super) fn render(
        &self,
        kind: &str,
        locale: Locale,
        context: &impl Serialize,
    ) -> Result<Rendered, String> {
        let render = |part| {
            self.environment
                .get_template(&template_name(locale, kind, part))
                .and_then(|template| template.render(Serde(context)))
                .map_err(|error| error.to_string())
        };
        let subject = render(Part::Subject)?;
        let text = html::paragraphs(&render(Part::Text)?).join("\n\n") + "\n";
        let paragraphs = html::markup(&render(Part::Html)?);
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

/// Name and body of each `== name` section of a language file.
struct Sections(Vec<(&'static str, &'static str)>);

impl Sections {
    fn parse(source: &'static str) -> Self {
        let sections = source
            .strip_prefix("== ")
            .unwrap_or(source)
            .split("\n== ")
            .filter_map(|section| section.split_once('\n'))
            .map(|(name, body)| (name.trim(), body));
        Self(sections.collect())
    }

    fn get(&self, name: &str) -> Result<&'static str, String> {
        self.0
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, body)| *body)
            .ok_or_else(|| format!("there is no section {name}"))
    }

    fn mails(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0
            .iter()
            .copied()
            .filter(|(name, _)| !SHARED.contains(name))
    }
}

/// Adds the templates of a section: its first line is the subject, the rest is the body.
fn add(
    environment: &mut Environment<'static>,
    locale: Locale,
    kind: &str,
    section: &'static str,
    sections: &Sections,
) -> Result<(), String> {
    let (subject, body) = section
        .split_once('\n')
        .ok_or_else(|| "it has no subject".to_owned())?;
    let body = format!(
        "{}\n{body}\n\n{}",
        sections.get(GREETING)?,
        sections.get(FOOTER)?
    );
    for (part, source) in [
        (Part::Subject, subject),
        (Part::Text, &body),
        (Part::Html, &body),
    ] {
        environment
            .add_template_owned(template_name(locale, kind, part), source.to_owned())
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}
