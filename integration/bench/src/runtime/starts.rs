//! From the request of a start to the record that says `running`, one game after the other.

use anyhow::Result;

use super::{games, host::Host};
use crate::{figures::Figures, goal::AtMost};

/// Starts `count` games; one more, the first, is not counted.
pub async fn run(host: &Host, count: usize) -> Result<()> {
    let mut took = vec![];
    for game in games::make(&host.db, count + 1).await? {
        took.push(games::start(host, &game).await?);
    }
    let figures = Figures::of(took.get(1..).unwrap_or_default());
    for (what, percent) in [("median", 50), ("longest", 100)] {
        AtMost {
            name: &format!("start to running, {}, {what}", host.driver),
            value: figures.percentile(percent) / 1e3,
            limit: 3.0,
            unit: "s",
        }
        .print(&format!("{count} games"))?;
    }
    Ok(())
}
