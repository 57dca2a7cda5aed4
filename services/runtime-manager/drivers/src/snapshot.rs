//! What there was of all games at about one time, given page by page. A page is named by the last game of the one before
//! it, so that any page can be read from any snapshot.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use galaxy_core::{GameId, Timestamp};
use parking_lot::Mutex;

use crate::{DriverError, Result};

/// Games on a page.
pub(crate) const PAGE: usize = 200;

/// What was read of each game.
#[derive(Debug)]
pub(crate) struct Snapshot<T> {
    pub(crate) as_of: Timestamp,
    pub(crate) games: BTreeMap<GameId, T>,
}

/// The snapshot whose pages are being read.
pub(crate) type Kept<T> = Mutex<Option<Arc<Snapshot<T>>>>;

/// The game that page `page` begins after; `None` for the first page.
pub(crate) fn after(page: Option<String>) -> Result<Option<GameId>> {
    page.map(|page| page.parse())
        .transpose()
        .map_err(|_| DriverError::invalid("not a page of this list"))
}

impl<T: Clone> Snapshot<T> {
    /// The first `size` games behind `after`, and the name of the next page.
    pub(crate) fn page(
        &self,
        after: Option<GameId>,
        size: usize,
    ) -> (Vec<(GameId, T)>, Option<String>) {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.games.range((begin, Bound::Unbounded));
        let page: Vec<_> = rest
            .by_ref()
            .take(size)
            .map(|(game, read)| (*game, read.clone()))
            .collect();
        let more = rest.next().is_some();
        let next = page.last().filter(|_| more);
        let next = next.map(|(game, _)| game.to_string());
        (page, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_game_once() {
        let mut games: Vec<_> = (0..7).map(|_| GameId::generate()).collect();
        let snapshot = Snapshot {
            as_of: Timestamp::UNIX_EPOCH,
            games: games.iter().map(|game| (*game, ())).collect(),
        };
        games.sort_unstable();
        for size in [1, 2, 6, 7, 8] {
            let (mut seen, mut page) = (Vec::new(), None);
            loop {
                let (part, next) = snapshot.page(after(page).unwrap(), size);
                seen.extend(part.into_iter().map(|(game, ())| game));
                page = next;
                if page.is_none() {
                    break;
                }
            }
            assert_eq!(seen, games, "{size} a page");
        }
        assert!(after(Some("the next".to_owned())).is_err());
    }
}
