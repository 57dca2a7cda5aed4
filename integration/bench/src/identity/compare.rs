//! Two loads in turn, round by round, and the median of their ratios.

use std::io::Write;

use anyhow::Result;

use super::{Call, Options, server::Server};
use crate::figures::median;

/// A comparison that is printed as one line.
pub struct Comparison<'a> {
    name: &'a str,
    goal: &'a str,
    options: &'a Options,
}

impl<'a> Comparison<'a> {
    pub fn new(name: &'a str, goal: &'a str, options: &'a Options) -> Self {
        Self {
            name,
            goal,
            options,
        }
    }

    /// Prints our rate as a part of theirs.
    pub async fn rates(
        &self,
        our_server: &Server,
        ours: impl Fn(usize) -> Call,
        their_server: &Server,
        theirs: impl Fn(usize) -> Call,
    ) -> Result<()> {
        let pairs = self.rounds(our_server, ours, their_server, theirs).await?;
        let ratios = pairs.iter().map(|(ours, theirs)| theirs / ours);
        self.print(median(ratios), &pairs)
    }

    /// Prints our time as a multiple of theirs.
    pub async fn times(
        &self,
        our_server: &Server,
        ours: impl Fn(usize) -> Call,
        their_server: &Server,
        theirs: impl Fn(usize) -> Call,
    ) -> Result<()> {
        let pairs = self.rounds(our_server, ours, their_server, theirs).await?;
        let ratios = pairs.iter().map(|(ours, theirs)| ours / theirs);
        self.print(median(ratios), &pairs)
    }

    /// Seconds of ours and theirs, round by round, the first left out.
    async fn rounds(
        &self,
        our_server: &Server,
        ours: impl Fn(usize) -> Call,
        their_server: &Server,
        theirs: impl Fn(usize) -> Call,
    ) -> Result<Vec<(f64, f64)>> {
        let Options {
            rounds,
            requests,
            clients,
            ..
        } = *self.options;
        let mut pairs = vec![];
        for round in 0..=rounds {
            let our_time = our_server.load(requests, clients, &ours).await?;
            let their_time = their_server.load(requests, clients, &theirs).await?;
            if round > 0 {
                pairs.push((our_time.as_secs_f64(), their_time.as_secs_f64()));
            }
        }
        Ok(pairs)
    }

    /// One line: what was compared, the ratio, the goal, and the rates behind it.
    pub fn print(&self, ratio: f64, pairs: &[(f64, f64)]) -> Result<()> {
        let requests = u32::try_from(self.options.requests).map_or(f64::MAX, f64::from);
        let rate = |time: f64| requests / time;
        writeln!(
            std::io::stdout(),
            "{:64} {ratio:7.2}   goal {:8} ({:.0}/s against {:.0}/s)",
            self.name,
            self.goal,
            rate(median(pairs.iter().map(|(ours, _)| *ours))),
            rate(median(pairs.iter().map(|(_, theirs)| *theirs))),
        )?;
        Ok(())
    }
}
