//! Listing all engines.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use futures_util::{StreamExt as _, stream};
use galaxy_core::GameId;
use kube::{
    Api, Resource,
    api::{ListParams, ObjectList},
};
use serde::de::DeserializeOwned;

use super::{
    Inner,
    error::driver_error,
    found::{Claim, Found, Set},
    names::Names,
    pod::SeenPod,
};
use crate::{
    Listing, Result, Sight,
    snapshot::{PAGE, Snapshot, after},
};

/// Objects that the cluster gives at once.
const CHUNK: u32 = 500;

/// Games that are looked at again at once.
const AT_ONCE: usize = 8;

impl Inner {
    /// See [`crate::Driver::list`].
    pub(super) async fn list(&self, page: Option<String>) -> Result<Listing> {
        let after = after(page)?;
        let kept = after.and_then(|_| self.snapshot.lock().clone());
        let snapshot = match kept {
            Some(kept) => kept,
            None => self.take_snapshot().await?,
        };
        let (games, next) = snapshot.page(after, PAGE);
        if next.is_none() {
            *self.snapshot.lock() = None;
        }
        let seen: Vec<_> = stream::iter(games)
            .map(|(game, found)| self.listed(game, found))
            .buffered(AT_ONCE)
            .collect()
            .await;
        Ok(Listing {
            complete: seen.iter().all(|(_, read)| read.is_ok()),
            engines: seen.into_iter().filter_map(there).collect(),
            as_of: snapshot.as_of,
            next,
        })
    }

    /// An engine whose end is not noted yet is looked at by itself.
    async fn listed(&self, game: GameId, found: Found) -> (GameId, Result<Sight>) {
        let found = match found.unnoted() {
            Some(_) => self.look(game).await,
            None => Ok(found),
        };
        (game, found.map(|found| found.sight(game, &self.names)))
    }

    /// All of it is read, or an error is the answer: a part would look like the absence of the rest.
    async fn take_snapshot(&self) -> Result<Arc<Snapshot<Found>>> {
        let as_of = self.clock.now();
        self.check_node().await?;
        let selector = self.names.games();
        let mut games = BTreeMap::<GameId, Found>::new();
        let (claims, sets, pods) = tokio::try_join!(
            all(&self.api.claims, &selector, &self.names, |claim, _| {
                Claim::new(claim)
            }),
            all(
                &self.api.sets,
                &selector,
                &self.names,
                |set, game| Set::new(set, game, &self.names)
            ),
            all(&self.api.pods, &selector, &self.names, |pod, _| {
                SeenPod::new(pod)
            }),
        )?;
        for (game, claim) in claims {
            games.entry(game).or_default().claim = Some(claim);
        }
        for (game, set) in sets {
            games.entry(game).or_default().set = Some(set);
        }
        for (game, pod) in pods {
            games.entry(game).or_default().pod = Some(pod);
        }
        let snapshot = Arc::new(Snapshot { as_of, games });
        *self.snapshot.lock() = Some(snapshot.clone());
        Ok(snapshot)
    }
}

/// Everything of one kind that belongs to a game, made small as it comes.
async fn all<K, T>(
    api: &Api<K>,
    selector: &str,
    names: &Names,
    small: impl Fn(&K, GameId) -> T,
) -> Result<Vec<(GameId, T)>>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let mut params = ListParams::default().labels(selector).limit(CHUNK);
    let mut seen = Vec::new();
    loop {
        let chunk: ObjectList<K> = api.list(&params).await.map_err(driver_error)?;
        for object in &chunk.items {
            if let Some(game) = names.game(object.meta()) {
                seen.push((game, small(object, game)));
            }
        }
        match chunk.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(seen),
        }
    }
}

/// A game of which nothing is left is not in a listing; one that could not be read is.
fn there((game, read): (GameId, Result<Sight>)) -> Option<(GameId, Sight)> {
    match read {
        Ok(Sight::Absent) => None,
        Ok(sight) => Some((game, sight)),
        Err(error) => Some((game, Sight::Unknown(error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DriverError;

    #[test]
    fn what_could_not_be_read_is_not_absent() {
        let game = GameId::generate();
        assert_eq!(there((game, Ok(Sight::Absent))), None);
        let unread = there((game, Err(DriverError::TimedOut)));
        assert!(matches!(unread, Some((_, Sight::Unknown(_)))));
    }
}
