//! What a PromQL expression names: series with their matchers, and the labels that it groups by. Not a whole parser: it reads
//! tokens, and refuses what it does not know.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

/// The names in an expression.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub selectors: Vec<Selector>,
    /// Labels of `by`, `on` and the like.
    pub groupings: BTreeSet<String>,
}

/// A series that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    pub matchers: Vec<Matcher>,
}

/// `label op "value"`
#[derive(Debug, PartialEq, Eq)]
pub struct Matcher {
    pub label: String,
    pub operator: String,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    /// Also durations.
    Number,
    Symbol(char),
}

const GROUPINGS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
const WORDS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

/// Reads an expression; Grafana's `$__rate_interval` counts as a duration.
pub fn read(expression: &str) -> Result<Names> {
    let tokens = tokens(&expression.replace("$__rate_interval", "5m"))?;
    let mut tokens = tokens.into_iter().peekable();
    let mut names = Names::default();
    while let Some(token) = tokens.next() {
        match token {
            Token::Symbol('{') => bail!("a selector without a name"),
            Token::Symbol('[') => {
                ensure!(tokens.any(|token| token == Token::Symbol(']')), "no ]");
            }
            Token::Name(name) => match (&*name, tokens.peek()) {
                (word, Some(Token::Symbol('('))) if GROUPINGS.contains(&word) => {
                    let listed = tokens
                        .by_ref()
                        .take_while(|token| *token != Token::Symbol(')'));
                    names
                        .groupings
                        .extend(listed.filter_map(|token| match token {
                            Token::Name(label) => Some(label),
                            _ => None,
                        }));
                }
                // A function.
                (_, Some(Token::Symbol('('))) => {}
                (word, next) if GROUPINGS.contains(&word) || WORDS.contains(&word) => {
                    // `sum by (a) (…)` came before; `on` without labels is no expression.
                    ensure!(next.is_some(), "it ends with {word}");
                }
                (_, next) => {
                    let braces = next == Some(&Token::Symbol('{'));
                    // An aggregation before its grouping: `sum by (…)`.
                    if matches!(next, Some(Token::Name(word)) if GROUPINGS.contains(&&**word)) {
                        continue;
                    }
                    let mut matchers = vec![];
                    if braces {
                        tokens.next();
                        let inside: Vec<Token> = tokens
                            .by_ref()
                            .take_while(|token| *token != Token::Symbol('}'))
                            .collect();
                        for one in inside.split(|token| *token == Token::Symbol(',')) {
                            if !one.is_empty() {
                                matchers.push(matcher(one)?);
                            }
                        }
                    }
                    names.selectors.push(Selector {
                        metric: name,
                        matchers,
                    });
                }
            },
            _ => {}
        }
    }
    ensure!(!names.selectors.is_empty(), "it names no metric");
    Ok(names)
}

fn matcher(tokens: &[Token]) -> Result<Matcher> {
    let [Token::Name(label), middle @ .., Token::Text(value)] = tokens else {
        bail!("not a matcher: {tokens:?}");
    };
    let operator = middle.iter().map(|token| match token {
        Token::Symbol(symbol) => Some(*symbol),
        _ => None,
    });
    let operator: String = operator.collect::<Option<_>>().context("not an operator")?;
    ensure!(["=", "!=", "=~", "!~"].contains(&&*operator), "{operator}");
    Ok(Matcher {
        label: label.clone(),
        operator,
        value: value.clone(),
    })
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut found = vec![];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\n' | '\t' => {}
            '"' | '\'' => {
                let mut value = String::new();
                loop {
                    match characters.next().context("an open quote")? {
                        end if end == character => break,
                        '\\' => value.extend(characters.next()),
                        other => value.push(other),
                    }
                }
                found.push(Token::Text(value));
            }
            letter if letter.is_ascii_alphabetic() || "_:".contains(letter) => {
                let mut name = String::from(letter);
                while let Some(next) =
                    characters.next_if(|next| next.is_ascii_alphanumeric() || "_:".contains(*next))
                {
                    name.push(next);
                }
                found.push(Token::Name(name));
            }
            digit if digit.is_ascii_digit() => {
                while characters
                    .next_if(|next| next.is_ascii_alphanumeric() || *next == '.')
                    .is_some()
                {}
                found.push(Token::Number);
            }
            symbol if "(){}[],=!~+-*/%^<>@".contains(symbol) => found.push(Token::Symbol(symbol)),
            other => bail!("{other:?} is not understood"),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(expression: &str) -> Vec<String> {
        let selectors = read(expression).unwrap().selectors;
        selectors
            .into_iter()
            .map(|selector| selector.metric)
            .collect()
    }

    #[test]
    fn metrics_matchers_and_groupings_are_found() {
        let names = read(
            "histogram_quantile(0.95, sum by (le, op) (rate(a_bucket{service=\"api\",code=~\"5..\"}[$__rate_interval])))\n\
             / on (instance) group_left (version) max(b) > 1.5e3",
        )
        .unwrap();
        let matchers = |selector: &Selector| -> Vec<String> {
            let written = selector.matchers.iter();
            written
                .map(|one| format!("{} {} {}", one.label, one.operator, one.value))
                .collect()
        };
        assert_eq!(names.selectors[0].metric, "a_bucket");
        assert_eq!(
            matchers(&names.selectors[0]),
            ["service = api", "code =~ 5.."]
        );
        assert_eq!(names.selectors[1].metric, "b");
        let groupings: Vec<_> = names.groupings.iter().map(String::as_str).collect();
        assert_eq!(groupings, ["instance", "le", "op", "version"]);
    }

    #[test]
    fn functions_operators_and_numbers_are_no_metrics() {
        assert_eq!(metrics("absent(a{b=\"c\"}) or absent(d)"), ["a", "d"]);
        assert_eq!(metrics("time() - max by (x) (a{b!=\"\"} offset 5m)"), ["a"]);
        assert_eq!(metrics("sum(rate(a[5m])) by (b) > 0 and c"), ["a", "c"]);
        assert_eq!(metrics("topk(10, a) unless bool_x"), ["a", "bool_x"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in [
            "{job=\"x\"}",
            "a{b}",
            "a{b=c}",
            "a[5m",
            "1 + 1",
            "a # b",
            "a{b=\"c}",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
