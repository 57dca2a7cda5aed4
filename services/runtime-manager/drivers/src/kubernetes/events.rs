//! The watch on pods: hints for those who listen, and how pods ended that are gone.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use galaxy_service::{Backoff, Tasks};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event, watcher};

use super::{Inner, pod::SeenPod};
use crate::DriverEvent;

/// After so many seconds a quiet watch is begun again where it was: a dead connection looks like a quiet one.
const WATCH: u32 = 60;

/// Waits between tries to watch again.
const RECONNECT: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// Watches pods for as long as the process lives.
pub(super) fn spawn(inner: &Arc<Inner>, tasks: &Tasks) {
    let (inner, draining) = (inner.clone(), tasks.draining());
    tasks.supervise("kubernetes.events", move || {
        let (inner, draining) = (inner.clone(), draining.clone());
        async move {
            draining.run_until_cancelled(inner.watch()).await;
        }
    });
}

impl Inner {
    async fn watch(&self) {
        let config = watcher::Config::default()
            .labels(&self.names.games())
            .timeout(WATCH);
        let mut events = Box::pin(watcher(self.api.pods.clone(), config));
        let mut failures = 0;
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    failures = 0;
                    self.hear(event);
                }
                // The next event comes from where this one should have been, or all pods are listed first.
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!("the watch on pods ended, and is begun again: {error}");
                    }
                    tokio::time::sleep(RECONNECT.delay(failures)).await;
                }
            }
        }
    }

    fn hear(&self, event: Event<Pod>) {
        let told = match event {
            Event::Init => return,
            Event::InitApply(pod) => {
                self.remember(&pod);
                return;
            }
            Event::InitDone => DriverEvent::Resync,
            Event::Apply(pod) | Event::Delete(pod) => {
                self.remember(&pod);
                let Some(game) = self.names.game(&pod.metadata) else {
                    return;
                };
                DriverEvent::Changed(game)
            }
        };
        self.events.tell(told);
    }

    fn remember(&self, pod: &Pod) {
        if let Some(game) = self.names.game(&pod.metadata) {
            self.ends.remember(game, &SeenPod::new(pod));
        }
    }
}
