//! Events: gateway receipt minus commit acknowledgement, against publish → consume on a bare JetStream stream.
//!
//! The way measured is the longest there is: a player's application is committed by `api`, published by its relay, applied
//! by the notifier, published by the notifier's relay, fanned out by push-hub, signed by the gateway, verified by the
//! owner's client.

use std::{io::Write, time::Instant};

use anyhow::{Context, Result};
use async_nats::jetstream::{self, consumer::push::OrderedConfig, stream};
use futures_util::StreamExt;
use galaxy_scenarios::{Player, Table};
use galaxy_stack::{Stack, StackFile, StackOptions};

use crate::figures::{Figures, median};

#[derive(clap::Args)]
pub struct Options {
    /// Rounds of each, one after the other.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Events a round.
    #[arg(long, default_value_t = 40)]
    events: usize,
}

pub async fn run(options: &Options) -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let mut table = table(&file).await?;
    let bare = Bare::connect(&file.nats_url).await?;
    let (mut ours, mut theirs) = (vec![], vec![]);
    for round in 0..=options.rounds {
        let (our_round, their_round) = (
            through_gateway(&mut table, options.events).await?,
            bare.round(options.events).await?,
        );
        // The first round warms caches and connections up.
        if round > 0 {
            ours.push(our_round);
            theirs.push(their_round);
        }
    }
    print(&ours, &theirs)?;
    stack.stop().await
}

async fn table(file: &StackFile) -> Result<Table> {
    let players = vec![
        Player::sign_in(file, "owner", "owner@example.org").await?,
        Player::sign_in(file, "applicant", "applicant@example.org").await?,
    ];
    Table::open(players, "The bench").await
}

/// Applies and is rejected, again and again; each application is an event to the owner, each rejection one to the applicant.
async fn through_gateway(table: &mut Table, events: usize) -> Result<Figures> {
    table
        .apply_and_be_rejected(1, "Terrans", events.div_ceil(2))
        .await?;
    Ok(Figures::of_milliseconds(std::mem::take(
        &mut table.latencies_ms,
    )))
}

/// A stream of its own on the same server.
struct Bare {
    context: jetstream::Context,
    stream: stream::Stream,
}

impl Bare {
    async fn connect(url: &str) -> Result<Self> {
        let client = async_nats::connect(url).await?;
        let context = jetstream::new(client);
        let config = stream::Config {
            name: "BENCH".to_owned(),
            subjects: vec!["bench.>".to_owned()],
            ..stream::Config::default()
        };
        let stream = context.create_stream(config).await?;
        Ok(Self { context, stream })
    }

    async fn round(&self, events: usize) -> Result<Figures> {
        let deliver_subject = self.context.client().new_inbox();
        let config = OrderedConfig {
            deliver_subject,
            deliver_policy: jetstream::consumer::DeliverPolicy::New,
            ..OrderedConfig::default()
        };
        let mut messages = self
            .stream
            .create_consumer(config)
            .await?
            .messages()
            .await?;
        let mut durations = vec![];
        for _ in 0..events {
            let published = Instant::now();
            self.context
                .publish("bench.event", "x".repeat(300).into())
                .await?;
            messages.next().await.context("the bare stream ended")??;
            durations.push(published.elapsed());
        }
        Ok(Figures::of(&durations))
    }
}

fn print(ours: &[Figures], theirs: &[Figures]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for percent in [50, 99] {
        let (our, their) = (over(ours, percent), over(theirs, percent));
        let ratio = median(
            ours.iter()
                .zip(theirs)
                .map(|(o, t)| o.percentile(percent) / t.percentile(percent)),
        );
        writeln!(
            out,
            "events p{percent}: commit to client {our:.2} ms, bare JetStream {their:.2} ms, ratio {ratio:.1} (medians of {} rounds)",
            ours.len()
        )?;
    }
    Ok(())
}

fn over(rounds: &[Figures], percent: usize) -> f64 {
    median(rounds.iter().map(|round| round.percentile(percent)))
}
