//! Goals that are upper limits, and lines that say whether they were reached.

use std::io::Write;

use anyhow::Result;

/// What was measured, and how much it may be.
pub struct AtMost<'a> {
    pub name: &'a str,
    pub value: f64,
    pub limit: f64,
    /// Of both.
    pub unit: &'static str,
}

impl AtMost<'_> {
    /// Prints one line, with the figures behind the value; a goal that was not reached says so.
    pub fn print(&self, figures: &str) -> Result<()> {
        writeln!(std::io::stdout(), "{}", self.line(figures))?;
        Ok(())
    }

    fn line(&self, figures: &str) -> String {
        let Self {
            name,
            value,
            limit,
            unit,
        } = self;
        let verdict = if value <= limit { "reached" } else { "MISSED" };
        format!("{name:68} {value:9.2} {unit:4} goal <= {limit} {unit}: {verdict} ({figures})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_was_not_reached_says_so() {
        let of = |value| AtMost {
            name: "start",
            value,
            limit: 3.0,
            unit: "s",
        };
        assert!(of(3.0).line("").contains("goal <= 3 s: reached"));
        assert!(of(3.01).line("").contains("goal <= 3 s: MISSED"));
    }
}
