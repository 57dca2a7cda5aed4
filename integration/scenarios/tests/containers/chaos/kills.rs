//! When which manager is killed. The same seed gives the same pauses and choices; where the kills hit depends on the machine.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use galaxy_stack::{Stack, Ui, env};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// How many kills; 25 if it is not set, which suits every test run.
const KILLS: &str = "GALAXY_CHAOS_KILLS";
/// What the random choices follow from; another one each time if it is not set.
const SEED: &str = "GALAXY_CHAOS_SEED";
/// Kills without [`KILLS`].
const DEFAULT: u32 = 25;
/// The longest pause between two kills, in milliseconds.
const LONGEST_PAUSE: u64 = 600;

pub struct Kills {
    number: u32,
    seed: u64,
    random: StdRng,
    over: Arc<AtomicBool>,
}

impl Kills {
    /// As the environment says; says the seed.
    #[expect(
        clippy::disallowed_methods,
        reason = "where the kills hit is not to be the same each time"
    )]
    pub fn of_environment() -> Result<Self> {
        let read = |name: &'static str| {
            let number = env::var(name).map(|text| text.parse::<u64>());
            number
                .transpose()
                .with_context(|| format!("{name} is no number"))
        };
        let number = read(KILLS)?.map_or(Ok(DEFAULT), u32::try_from)?;
        let seed = read(SEED)?.unwrap_or_else(|| rand::rng().random());
        Ui::quiet().plain(format!("{SEED}={seed} {KILLS}={number}"));
        Ok(Self {
            number,
            seed,
            random: StdRng::seed_from_u64(seed),
            over: Arc::default(),
        })
    }

    /// True once the last manager was killed and is back.
    pub fn over(&self) -> Arc<AtomicBool> {
        self.over.clone()
    }

    /// Kills one of `managers` after the other and starts it again.
    pub async fn run(&mut self, stack: &mut Stack, managers: &[&str]) -> Result<()> {
        for _ in 0..self.number {
            let pause = self.random.random_range(0..LONGEST_PAUSE);
            let manager = managers[self.random.random_range(0..managers.len())];
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let back = stack.crash(manager).await;
            back.with_context(|| format!("{manager} does not start again"))?;
        }
        self.over.store(true, Ordering::Release);
        Ok(())
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kills of seed {}", self.number, self.seed)
    }
}
