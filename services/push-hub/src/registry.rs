//! One subscription per gateway: a new one of the same name ends the old one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The open subscriptions by gateway name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    count: u64,
    by_name: HashMap<String, (u64, CancellationToken)>,
}

/// The place of one subscription; gives it up when dropped.
#[derive(Debug)]
pub struct Place {
    registry: Registry,
    name: String,
    number: u64,
    replaced: CancellationToken,
}

impl Registry {
    /// Takes the place of `name`, from another subscription if need be.
    pub fn take(&self, name: &str) -> Place {
        let replaced = CancellationToken::new();
        let mut open = self.lock();
        open.count += 1;
        let number = open.count;
        let mine = (number, replaced.clone());
        if let Some((_, old)) = open.by_name.insert(name.to_owned(), mine) {
            old.cancel();
        }
        drop(open);
        Place {
            registry: self.clone(),
            name: name.to_owned(),
            number,
            replaced,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Cancelled when another subscription took this place.
    pub fn replaced(&self) -> &CancellationToken {
        &self.replaced
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.registry.lock();
        let still_mine = open
            .by_name
            .get(&self.name)
            .is_some_and(|(number, _)| *number == self.number);
        if still_mine {
            open.by_name.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_subscription_replaces_only_the_old_one_of_its_name() {
        let registry = Registry::default();
        let (first, other) = (registry.take("a"), registry.take("b"));
        let second = registry.take("a");
        assert!(first.replaced().is_cancelled());
        assert!(!second.replaced().is_cancelled());
        assert!(!other.replaced().is_cancelled());
        drop(first);
        let third = registry.take("a");
        assert!(
            second.replaced().is_cancelled(),
            "the end of a replaced one must not free the place"
        );
        drop((second, other, third));
        assert!(registry.lock().by_name.is_empty());
    }
}
