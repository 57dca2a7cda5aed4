//! Engines in pods of one namespace of one Kubernetes cluster.
//!
//! A game has a claim for its state, a headless service for its name and, while it has an engine, a stateful set of that
//! one run; its environment, with the token, is in a secret of the epoch. Service and secrets belong to the claim, so that
//! they go with it; the claim belongs to nothing. The driver's account needs, in the namespace alone:
//!
//! | resource | verbs |
//! | --- | --- |
//! | `namespaces` (this one) | `get` |
//! | `statefulsets.apps`, `persistentvolumeclaims` | `get`, `list`, `create`, `patch`, `delete` |
//! | `services` | `create`, `patch` |
//! | `secrets` | `create`, `patch`, `delete` |
//! | `pods` | `get`, `list`, `watch`, `create`, `delete` |
//! | `pods/log` | `get` |
//! | `events` | `list` |
//!
//! **Fencing.** The claim remembers the newest epoch. A manager that makes an engine writes its epoch there first, and every write
//! is conditional on the version of the object that was read: a late manager is refused by the cluster itself. A set is
//! made without a pod, and gets one when the claim, read again, still has the set's epoch.
//!
//! **Ends.** Kubernetes starts the container of a stateful set again. The first end that is seen is noted on the set, which
//! is scaled to none in the same write: an engine runs once an epoch, as with every driver.

mod claim;
mod config;
mod connect;
mod end;
mod error;
mod events;
mod found;
mod harden;
mod image;
mod list;
mod logs;
mod look;
mod manifest;
mod names;
mod pod;
mod verbs;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use galaxy_core::{Clock, GameId};
use galaxy_service::Tasks;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Event, Namespace, PersistentVolumeClaim, Pod, Secret, Service},
};
use kube::Api;
use parking_lot::Mutex;

use self::names::Names;
use crate::{
    Driver, EngineSpec, Events, Listing, LogQuery, Logs, Node, Resolved, Result, Sight, feed::Feed,
    snapshot::Kept,
};

pub use config::KubernetesConfig;

/// Under this name the cluster notes what this driver has set.
const FIELD_MANAGER: &str = "galaxy-runtime-manager";

/// Runs engines in Kubernetes.
pub struct KubernetesDriver {
    inner: Arc<Inner>,
}

/// What the verbs and the watch share.
struct Inner {
    api: Apis,
    config: KubernetesConfig,
    names: Names,
    node: Node,
    clock: Clock,
    tasks: Tasks,
    images: image::Images,
    ends: end::Ends,
    kept: Mutex<logs::KeptLogs>,
    snapshot: Kept<found::Found>,
    events: Feed,
}

/// The kinds of objects that the driver knows, all in its namespace.
struct Apis {
    namespaces: Api<Namespace>,
    sets: Api<StatefulSet>,
    pods: Api<Pod>,
    claims: Api<PersistentVolumeClaim>,
    services: Api<Service>,
    secrets: Api<Secret>,
    events: Api<Event>,
}

impl Driver for KubernetesDriver {
    fn node(&self) -> &Node {
        &self.inner.node
    }

    fn resolve<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Resolved>> {
        self.inner.resolve(image).boxed()
    }

    fn apply<'a>(&'a self, spec: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>> {
        self.inner.apply(spec).boxed()
    }

    fn sleep(&self, game: GameId, epoch: i64, grace: Duration) -> BoxFuture<'_, Result<Sight>> {
        self.inner.sleep(game, epoch, grace).boxed()
    }

    fn delete_engine(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<Sight>> {
        self.inner.delete_engine(game, epoch).boxed()
    }

    fn delete_state(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<()>> {
        self.inner.delete_state(game, epoch).boxed()
    }

    fn observe(&self, game: GameId) -> BoxFuture<'_, Result<Sight>> {
        self.inner.observe(game).boxed()
    }

    fn list(&self, page: Option<String>) -> BoxFuture<'_, Result<Listing>> {
        self.inner.list(page).boxed()
    }

    fn events(&self) -> Events {
        self.inner.events.listen()
    }

    fn logs(&self, game: GameId, query: LogQuery) -> BoxFuture<'_, Result<Logs>> {
        self.inner.logs(game, query).boxed()
    }
}
