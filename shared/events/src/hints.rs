//! Carries wake-ups between processes over core NATS: `galaxy.wake.mail` and `galaxy.wake.runtime`.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use galaxy_service::Process;
use galaxy_store::{Db, Topic};
use tokio::sync::Notify;

use crate::Nats;

fn subject(topic: Topic) -> Option<&'static str> {
    match topic {
        Topic::Outbox => None,
        Topic::Mail => Some("galaxy.wake.mail"),
        Topic::Runtime => Some("galaxy.wake.runtime"),
    }
}

impl Nats {
    /// Sends the wake-ups of this process's commits for `topics` to the processes that work on them.
    pub fn send_hints(&self, process: &Process, db: &Db, topics: &[Topic]) {
        for topic in topics {
            let Some(subject) = subject(*topic) else {
                continue;
            };
            let (bell, client, draining) = (
                db.subscribe(*topic),
                self.client().clone(),
                process.tasks.draining(),
            );
            process.tasks.spawn("hints", async move {
                loop {
                    tokio::select! {
                        () = bell.notified() => {}
                        () = draining.cancelled() => return,
                    }
                    // A hint that cannot be sent at once is worth nothing; the workers poll.
                    let sent = async {
                        client.publish(subject, bytes::Bytes::new()).await.ok();
                        client.flush().await.ok();
                    };
                    tokio::time::timeout(Duration::from_secs(1), sent)
                        .await
                        .ok();
                }
            });
        }
    }

    /// A bell that rings when any process has work of `topic`, this one included.
    pub async fn hear_hints(&self, process: &Process, topic: Topic) -> anyhow::Result<Arc<Notify>> {
        let bell = Arc::new(Notify::new());
        if let Some(subject) = subject(topic) {
            let mut hints = self.client().subscribe(subject).await?;
            let (rung, draining) = (bell.clone(), process.tasks.draining());
            process.tasks.spawn("hints", async move {
                while let Some(Some(_)) = tokio::select! {
                    hint = hints.next() => Some(hint),
                    () = draining.cancelled() => None,
                } {
                    rung.notify_one();
                }
            });
        }
        Ok(bell)
    }
}
