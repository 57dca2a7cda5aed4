//! How much load a measure puts on.

/// The same for both sides of every comparison.
#[derive(Debug, Clone, clap::Args)]
pub struct Load {
    /// Rounds of each side, one after the other; the first, which warms up, is not counted.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Requests a round.
    #[arg(long, default_value_t = 20_000)]
    pub requests: usize,
    /// Requests under way at once.
    #[arg(long, default_value_t = 32)]
    pub clients: usize,
}

impl Load {
    /// The same with a part of the requests, at least 10.
    pub fn divided_by(&self, parts: usize) -> Self {
        Self {
            requests: (self.requests / parts).max(10),
            ..*self
        }
    }
}
