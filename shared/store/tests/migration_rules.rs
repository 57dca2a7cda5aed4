//! The rules of `docs/contributing.md` for migrations, over the files: what would break processes of the version before, or hold
//! up writers for long, must be said to be meant.
//!
//! A file that takes something away raises `min_compatible` and says why in a comment `-- Contracts: …`. A statement that locks a
//! large table for long is meant if the file says so in a comment `-- Locks: …`.

use galaxy_store::MIGRATOR;

/// Files from here on keep the rules.
const SINCE: i64 = 21;

/// What a rule found in one statement.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Finding {
    /// Processes of the version before may need what it takes away.
    Contracts(&'static str),
    /// Others wait for as long as the table is large.
    Locks(&'static str),
}

use Finding::{Contracts, Locks};

/// What is wrong with a migration.
fn problems(version: i64, sql: &str) -> Vec<String> {
    let statements = statements(sql);
    let made: Vec<&str> = statements.iter().filter_map(|s| made_table(s)).collect();
    let findings = statements
        .iter()
        .flat_map(|statement| findings(statement, &made));
    let (mut contracts, mut problems) = (false, vec![]);
    for finding in findings {
        match finding {
            Contracts(what) => {
                contracts = true;
                if raised(&statements).is_none() {
                    problems.push(format!("{what} without raising min_compatible"));
                }
            }
            Locks(what) if !has_comment(sql, "Locks") => {
                problems.push(format!("{what} without a comment `-- Locks: …`"));
            }
            Locks(_) => {}
        }
    }
    if contracts && !has_comment(sql, "Contracts") {
        problems.push("contracts without a comment `-- Contracts: …`".to_owned());
    }
    if let Some(raised) = raised(&statements)
        && !(SINCE..version).contains(&raised)
    {
        problems.push(format!("min_compatible {raised} is no migration before it"));
    }
    if !sql.trim_start().starts_with("-- Why: ") && !sql.starts_with("-- no-transaction\n-- Why: ")
    {
        problems.push("does not open with `-- Why: …`".to_owned());
    }
    problems
}

fn has_comment(sql: &str, word: &str) -> bool {
    let begins = format!("-- {word}: ");
    sql.lines()
        .any(|line| line.trim_start().starts_with(&begins))
}

/// What `min_compatible` is raised to.
fn raised(statements: &[String]) -> Option<i64> {
    let prefix = "update backend.schema_compatibility set min_compatible = ";
    let mut values = statements.iter().filter_map(|s| s.strip_prefix(prefix));
    values.next()?.parse().ok()
}

/// The table that a statement makes.
fn made_table(statement: &str) -> Option<&str> {
    let rest = statement.strip_prefix("create table ")?;
    let rest = rest.strip_prefix("if not exists ").unwrap_or(rest);
    rest.split([' ', '(']).next()
}

fn findings(statement: &str, made: &[&str]) -> Vec<Finding> {
    let words: Vec<&str> = statement.split(' ').collect();
    let mut found = vec![];
    match words[..] {
        ["drop", "index", ..] if !words.contains(&"concurrently") => {
            found.push(Locks("drop index, not concurrently,"));
        }
        ["drop", "index", ..] => {}
        ["drop", ..] => found.push(Contracts("drop")),
        ["truncate", ..] => found.push(Contracts("truncate")),
        ["alter", "table", ..] => found.extend(of_alter_table(statement, made)),
        ["alter", _, ..] if words.contains(&"rename") => found.push(Contracts("rename")),
        ["create", "index", ..] | ["create", "unique", "index", ..] => {
            let on = words.iter().position(|word| *word == "on").unwrap_or(0);
            let table = words.get(on + 1).copied().unwrap_or_default();
            let table = table.split('(').next().unwrap_or_default();
            if !made.contains(&table) && !words.contains(&"concurrently") {
                found.push(Locks("create index, not concurrently,"));
            }
        }
        ["update", table, ..] | ["delete", "from", table, ..]
            if table != "backend.schema_compatibility" && !made.contains(&table) =>
        {
            found.push(Locks("update or delete of existing rows"));
        }
        _ => {}
    }
    found
}

fn of_alter_table(statement: &str, made: &[&str]) -> Vec<Finding> {
    let rest = statement.trim_start_matches("alter table ");
    let rest = rest
        .trim_start_matches("if exists ")
        .trim_start_matches("only ");
    let (table, actions) = rest.split_once(' ').unwrap_or((rest, ""));
    if made.contains(&table) {
        return vec![];
    }
    let mut found = vec![];
    for action in top_level(actions, ',') {
        let has = |part: &str| format!(" {action} ").contains(&format!(" {part} "));
        if action.starts_with("rename") {
            found.push(Contracts("rename"));
        }
        if action.starts_with("drop column") || action.starts_with("drop default") {
            found.push(Contracts("drop of a column"));
        }
        if action.starts_with("alter") && has("drop default") {
            found.push(Contracts("drop of a default"));
        }
        if action.starts_with("alter") && has("set not null") {
            found.push(Contracts("set not null"));
        }
        if action.starts_with("alter") && has("type") {
            found.push(Contracts("change of a type"));
        }
        let adds_constraint = [
            "constraint",
            "check",
            "foreign",
            "unique",
            "primary",
            "exclude",
        ]
        .iter()
        .any(|kind| action.starts_with(&format!("add {kind}")));
        if adds_constraint {
            if !has("not valid") && !has("using index") {
                found.push(Locks("constraint, not `not valid`,"));
            }
        } else if action.starts_with("add")
            && has("not null")
            && !has("default")
            && !has("generated")
        {
            found.push(Contracts("a column that is not null without a default"));
        }
    }
    found
}

/// Statements without comments, in lower case, with single spaces. Quoted texts and bodies are left out.
fn statements(sql: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            '$' => match rest[1..].find('$') {
                Some(end) => {
                    let tag = &rest[..end + 2];
                    let body = rest[tag.len()..].find(tag);
                    body.map_or(rest.len(), |body| body + 2 * tag.len())
                }
                None => 1,
            },
            _ => 0,
        };
        if skipped == 0 {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            plain.push_str(if c == '-' { " " } else { "''" });
            rest = &rest[skipped..];
        }
    }
    top_level(&plain.to_lowercase(), ';')
}

/// The parts between separators that are in no parentheses.
fn top_level(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        match parts.last_mut() {
            Some(part) if c != separator || depth > 0 => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    let spaced = |part: String| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = parts.into_iter().map(spaced);
    parts.filter(|part| !part.is_empty()).collect()
}

#[test]
fn migrations_keep_the_rules() {
    for migration in MIGRATOR
        .iter()
        .filter(|migration| migration.version >= SINCE)
    {
        let problems = problems(migration.version, migration.sql.as_str());
        let name = format!("{:04} {}", migration.version, migration.description);
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
}

#[test]
fn min_compatible_only_grows() {
    let mut last = SINCE;
    for migration in MIGRATOR
        .iter()
        .filter(|migration| migration.version > SINCE)
    {
        if let Some(raised) = raised(&statements(migration.sql.as_str())) {
            assert!(raised > last, "{}: {raised}", migration.version);
            last = raised;
        }
    }
}

#[test]
fn what_breaks_older_processes_is_found() {
    for sql in [
        "drop table backend.games",
        "DROP VIEW backend.account_contacts",
        "drop function backend.f(date)",
        "alter table backend.games drop column options",
        "alter table backend.games add column a int, drop column options",
        "alter table backend.games rename column options to settings",
        "alter table backend.games rename to plays",
        "alter view backend.account_contacts rename to contacts",
        "alter table backend.games add column a integer not null",
        "alter table backend.games alter column options set not null",
        "alter table backend.games alter column options drop default",
        "alter table backend.games alter column options type text",
        "truncate backend.sent_codes",
    ] {
        let found = problems(30, &format!("-- Why: x\n{sql};"));
        assert_eq!(found.len(), 2, "{sql}: {found:?}");
        let meant = format!(
            "-- Why: x\n-- Contracts: x\n{sql};\nupdate backend.schema_compatibility set min_compatible = 29;"
        );
        assert_eq!(problems(30, &meant), [""; 0], "{sql}");
        let early = meant.replace("= 29", "= 30");
        assert_eq!(problems(30, &early).len(), 1, "{sql}");
    }
}

#[test]
fn what_holds_up_writers_is_found() {
    for sql in [
        "create index games_x_idx on backend.games (x)",
        "create unique index games_x_idx on backend.games(x) where x",
        "drop index backend.games_x_idx",
        "alter table backend.games add constraint games_x_check check (x > 0)",
        "alter table backend.games add foreign key (x) references backend.accounts (user_id)",
        "update backend.games set x = 1",
        "delete from backend.games",
    ] {
        let found = problems(30, &format!("-- Why: x\n{sql};"));
        assert_eq!(found.len(), 1, "{sql}: {found:?}");
        let meant = format!("-- Why: x\n-- Locks: it has ten rows.\n{sql};");
        assert_eq!(problems(30, &meant), [""; 0], "{sql}");
    }
}

#[test]
fn what_expands_is_no_problem() {
    for sql in [
        "create table backend.a (b integer not null); create index a_b_idx on backend.a (b); update backend.a set b = 1",
        "alter table backend.games add column a integer, add column b text not null default 'drop table; (x'",
        "alter table backend.games add constraint c check (a > 0) not valid",
        "alter table backend.games validate constraint c",
        "alter table backend.games drop constraint c, add constraint c check (a in ('x', 'y')) not valid",
        "create index concurrently games_x_idx on backend.games (x)",
        "create function f() returns void language plpgsql as $$ begin drop table x; update y set z = 1; end $$",
        "insert into backend.a values (1)",
        "comment on table backend.a is 'drop table'",
        "alter function backend.f(date) security definer",
    ] {
        assert_eq!(
            problems(30, &format!("-- Why: x\n{sql};")),
            [""; 0],
            "{sql}"
        );
    }
    assert_eq!(
        problems(30, "select 1;"),
        ["does not open with `-- Why: …`"]
    );
}
