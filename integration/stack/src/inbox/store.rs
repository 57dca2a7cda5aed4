//! The newest caught mails, in memory.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::mail::Mail;

/// Then the oldest mail is dropped.
const CAPACITY: usize = 2_000;

/// Caught mails, newest first.
#[derive(Debug)]
pub struct Store {
    mails: Mutex<VecDeque<Arc<Mail>>>,
    arrived: watch::Sender<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            mails: Mutex::default(),
            arrived: watch::Sender::new(0),
        }
    }
}

impl Store {
    pub fn add(&self, mail: Mail) {
        let mut mails = self.lock();
        mails.push_front(Arc::new(mail));
        mails.truncate(CAPACITY);
        drop(mails);
        self.arrived.send_modify(|count| *count += 1);
    }

    pub fn all(&self) -> Vec<Arc<Mail>> {
        self.lock().iter().cloned().collect()
    }

    /// Those that `wanted` accepts.
    pub fn matching(&self, wanted: impl Fn(&Mail) -> bool) -> Vec<Arc<Mail>> {
        self.lock()
            .iter()
            .filter(|mail| wanted(mail))
            .cloned()
            .collect()
    }

    /// The newest that `wanted` accepts.
    pub fn newest(&self, wanted: impl Fn(&Mail) -> bool) -> Option<Arc<Mail>> {
        self.lock().iter().find(|mail| wanted(mail)).cloned()
    }

    /// The one with this id; `latest` is the newest.
    pub fn get(&self, id: &str) -> Option<Arc<Mail>> {
        self.newest(|mail| id == "latest" || mail.id == id)
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Removes those that `unwanted` accepts.
    pub fn remove(&self, unwanted: impl Fn(&Mail) -> bool) {
        self.lock().retain(|mail| !unwanted(mail));
    }

    /// Changes with each arrival.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.arrived.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Mail>>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_mail_is_dropped_beyond_the_capacity() {
        let store = Store::default();
        for number in 0..=CAPACITY {
            store.add(Mail::read(number.to_string(), vec![], vec![]));
        }
        assert_eq!(store.count(), CAPACITY);
        assert_eq!(
            store.get("latest").unwrap().return_path,
            CAPACITY.to_string()
        );
        assert!(store.newest(|mail| mail.return_path == "0").is_none());
    }
}
