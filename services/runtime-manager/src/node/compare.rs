//! Reads what runs on the node and what should, in pages: however many engines there are, no page keeps a thread of the
//! runtime for long.

use std::collections::HashMap;

use galaxy_core::GameId;
use galaxy_drivers::{Driver as _, Sight};
use galaxy_runtime::{Record, operations, records};

use super::{
    plan::{Comparison, Plan, Reading},
    reconcile::Reconciler,
};

/// Records that are read and compared at once.
const PAGE: u32 = 250;

impl Reconciler {
    /// All engines of the node, and whether all were seen.
    pub(super) async fn list(&self) -> anyhow::Result<(HashMap<GameId, Sight>, bool)> {
        let (mut seen, mut complete, mut page) = (HashMap::new(), true, None);
        loop {
            let listing = self.manager.driver.list(page).await?;
            complete &= listing.complete;
            seen.extend(listing.engines);
            page = listing.next;
            if page.is_none() {
                return Ok((seen, complete));
            }
        }
    }

    /// Compares the reading with all records of the node with engines, then with those of engines that these records do not
    /// explain. Gives the plan, and the records that it is about.
    pub(super) async fn compare(
        &self,
        reading: Reading,
    ) -> anyhow::Result<(Plan, HashMap<GameId, Record>)> {
        let node = reading.node.clone();
        let mut comparison = Comparison::new(reading, &self.unexplained);
        let (mut unequal, mut after) = (HashMap::new(), None);
        loop {
            let page = {
                let mut connection = self.manager.db.acquire().await?;
                records::of_node(&mut connection, &node, after, PAGE).await?
            };
            let full = page.len() >= PAGE as usize;
            after = page.last().map(|record| record.game_id);
            self.add(&mut comparison, page, &mut unequal).await?;
            if !full {
                break;
            }
        }
        for games in comparison.left().chunks(PAGE as usize) {
            let page = {
                let mut connection = self.manager.db.acquire().await?;
                records::of(&mut connection, games).await?
            };
            self.add(&mut comparison, page, &mut unequal).await?;
        }
        Ok((comparison.finish(), unequal))
    }

    /// Adds a page of records to the comparison, and those that something is planned for to `unequal`.
    async fn add(
        &self,
        comparison: &mut Comparison<'_>,
        page: Vec<Record>,
        unequal: &mut HashMap<GameId, Record>,
    ) -> anyhow::Result<()> {
        let games: Vec<GameId> = page.iter().map(|record| record.game_id).collect();
        let busy = {
            let mut connection = self.manager.db.acquire().await?;
            operations::busy(&mut connection, &games).await?
        };
        let planned = comparison.add(page, &busy).into_iter();
        unequal.extend(planned.map(|record| (record.game_id, record)));
        Ok(())
    }
}
