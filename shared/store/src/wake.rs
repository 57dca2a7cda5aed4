//! Wake-ups: after a commit, those who work on what it wrote start at once instead of at their next poll.
//!
//! A wake-up is a hint. A lost one costs latency, never work. Within a process it is a [`Notify`]; the events crate
//! carries those of [`Topic::Mail`] and [`Topic::Runtime`] to other processes.

use std::sync::Arc;

use tokio::sync::Notify;

/// A queue that somebody works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Events that wait for publication; the relay of the same process takes them.
    Outbox,
    /// Mails that wait to be sent.
    Mail,
    /// Operations on engines.
    Runtime,
}

/// One bell for each topic. Cheap to clone; clones share the bells.
#[derive(Debug, Clone, Default)]
pub struct Wakeups(Arc<Bells>);

#[derive(Debug, Default)]
struct Bells {
    outbox: Arc<Notify>,
    mail: Arc<Notify>,
    runtime: Arc<Notify>,
}

impl Wakeups {
    /// Rings the bell of `topic`. Ringing an unheard bell again changes nothing.
    pub fn wake(&self, topic: Topic) {
        self.bell(topic).notify_one();
    }

    /// The bell of `topic`, for the one task that listens to it.
    pub fn bell(&self, topic: Topic) -> Arc<Notify> {
        match topic {
            Topic::Outbox => self.0.outbox.clone(),
            Topic::Mail => self.0.mail.clone(),
            Topic::Runtime => self.0.runtime.clone(),
        }
    }
}
