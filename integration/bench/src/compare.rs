//! Two loads in turn, round by round: the medians of the ratios of their rates and of the processor time they cost.

use std::io::Write;

use anyhow::Result;

use crate::{
    figures::median,
    load::Load,
    server::{Call, Server},
    threads,
};

/// A router and what is asked of it.
pub struct Side<'a> {
    pub server: &'a Server,
    pub call: &'a dyn Fn(usize) -> Call,
}

/// What one round of one side took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Processor time of the served threads, in seconds; without the database's.
    pub processor: f64,
}

/// Round by round, ours first.
pub type Rounds = Vec<(Cost, Cost)>;

/// Loads both sides in turn; the first round is left out.
pub async fn rounds(load: &Load, ours: Side<'_>, theirs: Side<'_>) -> Result<Rounds> {
    let mut rounds = vec![];
    for round in 0..=load.rounds {
        let pair = (
            one(load, ours.server, ours.call).await?,
            one(load, theirs.server, theirs.call).await?,
        );
        if round > 0 {
            rounds.push(pair);
        }
    }
    Ok(rounds)
}

/// Loads one side once.
pub async fn one(load: &Load, server: &Server, call: &dyn Fn(usize) -> Call) -> Result<Cost> {
    let before = threads::processor_time()?;
    let took = server.load(load.requests, load.clients, call).await?;
    let used = threads::processor_time()?.saturating_sub(before);
    Ok(Cost {
        seconds: took.as_secs_f64(),
        processor: used.as_secs_f64(),
    })
}

/// What is compared of two sides.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// Requests per second: ours as a part of theirs.
    Rate,
    /// How long a request takes: ours as a multiple of theirs.
    Time,
    /// Processor time of a request: ours as a multiple of theirs.
    Processor,
}

impl Measure {
    fn of(self, load: &Load, cost: Cost) -> f64 {
        let requests = number(load.requests);
        match self {
            Self::Rate => requests / cost.seconds,
            Self::Time => cost.seconds * number(load.clients) * 1e3 / requests,
            Self::Processor => cost.processor * 1e6 / requests,
        }
    }

    fn written(self, value: f64) -> String {
        match self {
            Self::Rate => format!("{value:.0}/s"),
            Self::Time => format!("{value:.2} ms"),
            Self::Processor => format!("{value:.1} µs"),
        }
    }

    /// Prints the median of the rounds' ratios, and the medians of both sides.
    pub fn print(self, name: &str, goal: &str, load: &Load, rounds: &Rounds) -> Result<()> {
        let pairs = || {
            rounds
                .iter()
                .map(|(ours, theirs)| (self.of(load, *ours), self.of(load, *theirs)))
        };
        let ratio = median(pairs().map(|(ours, theirs)| ours / theirs));
        let ours = self.written(median(pairs().map(|pair| pair.0)));
        let theirs = self.written(median(pairs().map(|pair| pair.1)));
        line(name, ratio, goal, &format!("{ours} against {theirs}"))
    }
}

/// One line: what was compared, the ratio, the goal, and the figures behind it.
pub fn line(name: &str, ratio: f64, goal: &str, figures: &str) -> Result<()> {
    writeln!(
        std::io::stdout(),
        "{name:68} {ratio:7.2}   goal {goal:8} ({figures})"
    )?;
    Ok(())
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
