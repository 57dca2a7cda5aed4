//! Reads variables, and records their descriptions and every problem.

use std::{borrow::Cow, fmt::Write as _, path::PathBuf};

use super::{RotatingSecret, Secret, Value, unknown};

/// A source of variables, with the descriptions and problems recorded while reading.
pub struct Vars {
    lookup: Box<Lookup>,
    /// Names of all variables that are set; empty if the source cannot list them.
    set: Vec<String>,
    docs: Vec<Doc>,
    problems: Vec<Problem>,
}

type Lookup = dyn Fn(&str) -> Option<String>;

/// What is wrong with one variable. The value is not shown, since it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: Cow<'static, str>,
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
        reason = "all settings are read through this function"
    )]
    pub fn from_environment() -> Self {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self {
            set: names.collect(),
            ..Self::from_lookup(|name| std::env::var(name).ok())
        }
    }

    /// Reads through `lookup`, which gives a variable's text if it is set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
            set: vec![],
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

    /// As [`Vars::secret`], for one that may change while the process runs.
    pub fn rotating_secret(
        &mut self,
        name: &'static str,
        meaning: &'static str,
    ) -> Option<RotatingSecret> {
        let secret = self.secret(name, meaning)?;
        Some(self.rotating(name, secret))
    }

    /// As [`Vars::optional_secret`], for one that may change while the process runs.
    pub fn optional_rotating_secret(
        &mut self,
        name: &'static str,
        meaning: &'static str,
    ) -> Option<Option<RotatingSecret>> {
        let secret = self.optional_secret(name, meaning)?;
        Some(secret.map(|secret| self.rotating(name, secret)))
    }

    fn rotating(&self, name: &'static str, secret: Secret) -> RotatingSecret {
        match self.text(&format!("{name}_FILE")) {
            Some(path) => RotatingSecret::from_file(name, PathBuf::from(path), secret),
            None => secret.into(),
        }
    }

    /// Records a problem of several values taken together. Always `None`.
    pub fn problem<T>(&mut self, variable: &'static str, message: impl Into<String>) -> Option<T> {
        self.problems.push(Problem {
            variable: variable.into(),
            message: message.into(),
        });
        None
    }

    /// Records a problem for each variable that is set, looks like a setting, and is one of no process. Call it last: what was
    /// asked for is known.
    pub fn refuse_unknown(&mut self) {
        let own: Vec<&str> = self.docs.iter().map(|doc| doc.name).collect();
        let problems = self.set.iter().filter_map(|name| {
            let nearest = unknown::nearest(name, &own)?;
            Some(Problem {
                variable: name.clone().into(),
                message: format!("is no setting; {nearest} is the nearest one"),
            })
        });
        let problems: Vec<_> = problems.collect();
        self.problems.extend(problems);
    }

    /// All problems recorded so far.
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
                Ok(text) if text.trim().is_empty() => {
                    self.problem(name, "names a file in _FILE that is empty")
                }
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
                variable: name.into(),
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
            .map(|problem| problem.variable.as_ref())
            .collect();
        assert_eq!(names, ["A", "B"]);
        assert!(vars.help().contains("20s") && vars.help().contains("third"));
    }

    #[test]
    fn a_wrong_value_is_not_in_the_message() {
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

        let rotating = from_file.rotating_secret("KEY", "a key").unwrap();
        assert!(rotating.is_from_file());
        assert_eq!(rotating.current().expose_secret(), "s3cret");
        let mut by_value = vars(&[("KEY", "a")]);
        let optional = by_value.optional_rotating_secret("KEY", "a key");
        assert!(!optional.unwrap().unwrap().is_from_file());
        assert!(matches!(
            by_value.optional_rotating_secret("OTHER", "a key"),
            Some(None)
        ));

        let mut twice = vars(&[("KEY", "a"), ("KEY_FILE", "b")]);
        assert!(twice.secret("KEY", "a key").is_none());
        let mut missing = vars(&[("KEY_FILE", "/nowhere/at/all")]);
        assert!(missing.secret("KEY", "a key").is_none());
        assert!(missing.problems()[0].message.contains("cannot be read"));

        let mut empty = vars(&[("KEY_FILE", "/dev/null")]);
        assert!(empty.optional_secret("KEY", "a key").is_none());
        assert!(empty.problems()[0].message.contains("is empty"));
    }

    #[test]
    fn a_missing_secret_is_a_problem_only_if_it_is_required() {
        let mut vars = vars(&[("EMPTY", "")]);
        assert!(matches!(vars.optional_secret("A", "a key"), Some(None)));
        assert!(matches!(vars.optional_secret("EMPTY", "a key"), Some(None)));
        assert_eq!(vars.problems(), []);
        assert!(vars.secret("EMPTY", "a key").is_none());
        assert!(vars.problems()[0].message.contains("_FILE"));
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let mut vars = vars(&[("A", ""), ("B", ""), ("C", ""), ("D", "  5 ")]);
        assert_eq!(vars.or::<u16>("A", "7", "a number"), Some(7));
        assert_eq!(vars.optional::<u16>("B", "a number"), Some(None));
        assert_eq!(vars.optional::<u16>("D", "a number"), Some(Some(5)));
        assert_eq!(vars.problems(), []);
        assert_eq!(vars.required::<u16>("C", "a number"), None);
    }

    #[test]
    fn problems_of_several_values_are_listed_with_the_others() {
        let mut vars = vars(&[("A", "x")]);
        assert_eq!(vars.optional::<u16>("A", "a number"), None);
        assert_eq!(vars.problem::<()>("B", "is smaller than A"), None);
        let messages = vars
            .problems()
            .iter()
            .map(|problem| problem.message.as_str());
        let messages: Vec<_> = messages.collect();
        assert_eq!(messages, ["is not a whole number", "is smaller than A"]);
    }

    #[test]
    fn a_mistyped_name_is_a_problem_and_the_settings_of_other_processes_are_none() {
        let mut vars = vars(&[]);
        let _ = vars.optional::<u16>("BACKEND_OF_TODAY", "a number");
        vars.set = [
            "BACKEND_OF_TODAY",
            "BACKEND_GATEWAY_TOKEN_FILE",
            "BACKEND_GATEWAY_TOKN",
            "PATH",
        ]
        .map(str::to_owned)
        .into();
        vars.refuse_unknown();
        assert_eq!(vars.problems().len(), 1, "{:?}", vars.problems());
        let problem = &vars.problems()[0];
        assert_eq!(problem.variable, "BACKEND_GATEWAY_TOKN");
        assert!(problem.message.contains("BACKEND_GATEWAY_TOKEN is"));
    }

    #[test]
    fn help_aligns_its_columns() {
        let mut vars = vars(&[]);
        let _ = vars.or::<u16>("SHORT", "700", "first");
        let _ = vars.optional::<u16>("MUCH_LONGER", "second");
        let help = vars.help();
        let columns = help
            .lines()
            .map(|line| line.find("first").or(line.find("second")));
        let bytes: Vec<_> = columns.map(Option::unwrap).collect();
        // The dash of the second line has three bytes and one character.
        assert_eq!(bytes[0] + 2, bytes[1], "{help}");
    }
}
