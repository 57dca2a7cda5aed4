//! Notifications within a process: after a commit, the workers of the queues it wrote to start at once instead of at their
//! next poll.
//!
//! A notification is a hint. A lost one costs latency, never work. The events crate carries those of [`Topic::Mail`] and
//! [`Topic::Runtime`] to other processes.

use std::sync::Arc;

use tokio::sync::Notify;

/// A queue in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Events that wait for publication, which the relay of the same process does.
    Outbox,
    /// Mails that wait to be sent.
    Mail,
    /// Operations on engines.
    Runtime,
}

/// One [`Notify`] for each topic. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topics(Arc<Notifies>);

#[derive(Debug, Default)]
struct Notifies {
    outbox: Arc<Notify>,
    mail: Arc<Notify>,
    runtime: Arc<Notify>,
}

impl Topics {
    pub(crate) fn of(&self, topic: Topic) -> &Arc<Notify> {
        match topic {
            Topic::Outbox => &self.0.outbox,
            Topic::Mail => &self.0.mail,
            Topic::Runtime => &self.0.runtime,
        }
    }
}
