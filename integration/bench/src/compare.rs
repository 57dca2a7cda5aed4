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

/// Prints our rate as a part of theirs.
pub fn print_rate(name: &str, goal: &str, load: &Load, rounds: &Rounds) -> Result<()> {
    let ratio = median(
        rounds
            .iter()
            .map(|(ours, theirs)| theirs.seconds / ours.seconds),
    );
    let rate = |of: fn(&(Cost, Cost)) -> Cost| {
        number(load.requests) / median(rounds.iter().map(|pair| of(pair).seconds))
    };
    let (ours, theirs) = (rate(|pair| pair.0), rate(|pair| pair.1));
    line(
        name,
        ratio,
        goal,
        &format!("{ours:.0}/s against {theirs:.0}/s"),
    )
}

/// Prints our time as a multiple of theirs.
pub fn print_time(name: &str, goal: &str, load: &Load, rounds: &Rounds) -> Result<()> {
    let ratio = median(
        rounds
            .iter()
            .map(|(ours, theirs)| ours.seconds / theirs.seconds),
    );
    let each = |of: fn(&(Cost, Cost)) -> Cost| {
        median(rounds.iter().map(|pair| of(pair).seconds)) * number(load.clients) * 1e3
            / number(load.requests)
    };
    let (ours, theirs) = (each(|pair| pair.0), each(|pair| pair.1));
    line(
        name,
        ratio,
        goal,
        &format!("{ours:.2} ms against {theirs:.2} ms"),
    )
}

/// Prints our processor time as a multiple of theirs.
pub fn print_processor(name: &str, goal: &str, load: &Load, rounds: &Rounds) -> Result<()> {
    let ratio = median(
        rounds
            .iter()
            .map(|(ours, theirs)| ours.processor / theirs.processor),
    );
    let each = |of: fn(&(Cost, Cost)) -> Cost| {
        median(rounds.iter().map(|pair| of(pair).processor)) * 1e6 / number(load.requests)
    };
    let (ours, theirs) = (each(|pair| pair.0), each(|pair| pair.1));
    line(
        name,
        ratio,
        goal,
        &format!("{ours:.1} µs against {theirs:.1} µs"),
    )
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
