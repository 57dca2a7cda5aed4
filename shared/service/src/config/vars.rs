//! Reads variables, and remembers what was read and what was wrong.

use std::fmt::Write as _;

use super::{Secret, Value};

/// A source of variables together with the notes taken while reading.
pub struct Vars {
    lookup: Box<Lookup>,
    docs: Vec<Doc>,
    problems: Vec<Problem>,
}

type Lookup = dyn Fn(&str) -> Option<String>;

/// What is wrong with one variable. The value is not shown, since it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What to do about it.
    pub message: String,
}

struct Doc {
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
}

impl Vars {
    /// Reads from the process's environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the door the ban points to"
    )]
    pub fn from_environment() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads through `lookup`, which gives a variable's text if it is set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
            docs: vec![],
            problems: vec![],
        }
    }

    /// A variable that must be set.
    pub fn required<T: Value>(&mut self, name: &'static str, meaning: &'static str) -> Option<T> {
        self.note(name, "required", meaning);
        match self.text(name) {
            Some(text) => self.parse(name, &text),
            None => self.problem(name, "is not set; it must be"),
        }
    }

    /// A variable with a default, given as it would be written.
    pub fn or<T: Value>(
        &mut self,
        name: &'static str,
        default: &'static str,
        meaning: &'static str,
    ) -> Option<T> {
        self.note(name, default, meaning);
        let text = self.text(name).unwrap_or_else(|| default.to_owned());
        self.parse(name, &text)
    }

    /// A variable that may be absent: `Some(None)` then.
    pub fn optional<T: Value>(
        &mut self,
        name: &'static str,
        meaning: &'static str,
    ) -> Option<Option<T>> {
        self.note(name, "–", meaning);
        match self.text(name) {
            Some(text) => self.parse(name, &text).map(Some),
            None => Some(None),
        }
    }

    /// A secret that must be set, as `NAME` or as the path of a file in `NAME_FILE`.
    pub fn secret(&mut self, name: &'static str, meaning: &'static str) -> Option<Secret> {
        self.note(name, "required, or NAME_FILE", meaning);
        match self.secret_text(name)? {
            Some(text) => Some(Secret::from(text)),
            None => self.problem(
                name,
                "is not set; set it, or name a file with it by adding _FILE",
            ),
        }
    }

    /// A secret that may be absent: `Some(None)` then.
    pub fn optional_secret(
        &mut self,
        name: &'static str,
        meaning: &'static str,
    ) -> Option<Option<Secret>> {
        self.note(name, "–, or NAME_FILE", meaning);
        Some(self.secret_text(name)?.map(Secret::from))
    }

    /// Notes a problem that shows only when values are seen together. Always `None`.
    pub fn problem<T>(&mut self, variable: &'static str, message: impl Into<String>) -> Option<T> {
        self.problems.push(Problem {
            variable,
            message: message.into(),
        });
        None
    }

    /// Every problem found so far.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The table of all variables that were asked for, for `--help`.
    pub fn help(&self) -> String {
        let name_width = self
            .docs
            .iter()
            .map(|doc| doc.name.len())
            .max()
            .unwrap_or(0);
        let default_width = self
            .docs
            .iter()
            .map(|doc| doc.default.chars().count())
            .max()
            .unwrap_or(0);
        self.docs.iter().fold(
            String::new(),
            |mut out,
             Doc {
                 name,
                 default,
                 meaning,
             }| {
                let _ = writeln!(
                    out,
                    "  {name:name_width$}  {default:default_width$}  {meaning}"
                );
                out
            },
        )
    }

    fn note(&mut self, name: &'static str, default: &'static str, meaning: &'static str) {
        self.docs.push(Doc {
            name,
            default,
            meaning,
        });
    }

    /// The text of a variable; an empty one counts as not set, as in most shells' `${NAME:-…}`.
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.is_empty())
    }

    #[expect(
        clippy::option_option,
        reason = "the outer level says whether reading went well"
    )]
    fn secret_text(&mut self, name: &'static str) -> Option<Option<String>> {
        match (self.text(name), self.text(&format!("{name}_FILE"))) {
            (Some(_), Some(_)) => self.problem(name, "is set both by value and by _FILE; keep one"),
            (Some(text), None) => Some(Some(text)),
            (None, None) => Some(None),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(Some(text.trim_end().to_owned())),
                Err(error) => self.problem(
                    name,
                    format!("names a file in _FILE that cannot be read: {error}"),
                ),
            },
        }
    }

    fn parse<T: Value>(&mut self, name: &'static str, text: &str) -> Option<T> {
        let value = T::parse(text.trim());
        if value.is_none() {
            self.problems.push(Problem {
                variable: name,
                message: format!("is not {}", T::EXPECTED),
            });
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::ExposeSecret;

    use super::*;

    fn vars(set: &'static [(&'static str, &'static str)]) -> Vars {
        Vars::from_lookup(|name| {
            set.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn every_problem_is_found_in_one_reading() {
        let mut vars = vars(&[("B", "soon")]);
        assert_eq!(vars.required::<String>("A", "first"), None);
        assert_eq!(vars.or::<Duration>("B", "20s", "second"), None);
        assert_eq!(vars.or::<u16>("C", "7", "third"), Some(7));
        let names: Vec<_> = vars
            .problems()
            .iter()
            .map(|problem| problem.variable)
            .collect();
        assert_eq!(names, ["A", "B"]);
        assert!(vars.help().contains("20s") && vars.help().contains("third"));
    }

    #[test]
    fn a_wrong_value_is_not_repeated_in_the_message() {
        let mut vars = vars(&[("A", "hunter2")]);
        let _ = vars.required::<u16>("A", "a number");
        assert!(!vars.problems()[0].message.contains("hunter2"));
    }

    #[test]
    fn a_secret_may_come_from_a_file_but_not_from_two_places() {
        let path = std::env::temp_dir().join(format!("galaxy-secret-{}", std::process::id()));
        std::fs::write(&path, "s3cret\n").unwrap();
        let path = path.to_str().unwrap().to_owned();
        let mut from_file =
            Vars::from_lookup(move |name| (name == "KEY_FILE").then(|| path.clone()));
        let secret = from_file.secret("KEY", "a key").unwrap();
        assert_eq!(secret.expose_secret(), "s3cret");
        assert!(!format!("{secret:?}").contains("s3cret"));

        let mut twice = vars(&[("KEY", "a"), ("KEY_FILE", "b")]);
        assert!(twice.secret("KEY", "a key").is_none());
        let mut missing = vars(&[("KEY_FILE", "/nowhere/at/all")]);
        assert!(missing.secret("KEY", "a key").is_none());
        assert!(missing.problems()[0].message.contains("cannot be read"));
    }
}
