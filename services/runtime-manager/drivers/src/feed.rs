//! Passes a driver's events on to everybody who listens, and to nobody if nobody does.

use futures_util::{StreamExt as _, stream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{DriverEvent, Events};

/// Events that a slow listener may be behind before it is told to list everything.
const BUFFER: usize = 1_024;

/// The events of one driver.
#[derive(Debug)]
pub(crate) struct Feed(broadcast::Sender<DriverEvent>);

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::Sender::new(BUFFER))
    }
}

impl Feed {
    /// Tells everybody who listens.
    pub(crate) fn tell(&self, event: DriverEvent) {
        let _ = self.0.send(event);
    }

    /// What is told from now on.
    pub(crate) fn listen(&self) -> Events {
        stream::unfold(self.0.subscribe(), |mut events| async move {
            match events.recv().await {
                Ok(event) => Some((event, events)),
                Err(RecvError::Lagged(_)) => Some((DriverEvent::Resync, events)),
                Err(RecvError::Closed) => None,
            }
        })
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use galaxy_core::GameId;

    use super::*;

    #[tokio::test]
    async fn a_listener_that_is_too_far_behind_is_told_to_list_everything() {
        let feed = Feed::default();
        let mut listener = feed.listen();
        let game = GameId::generate();
        for _ in 0..=BUFFER {
            feed.tell(DriverEvent::Changed(game));
        }
        assert_eq!(listener.next().await, Some(DriverEvent::Resync));
        assert_eq!(listener.next().await, Some(DriverEvent::Changed(game)));
        drop(feed);
        assert_eq!(listener.count().await, BUFFER - 1, "and then it ends");
    }
}
