//! The objects of a game: its claim, its service, the secret of an epoch, and the set with its engine.

use std::collections::BTreeMap;

use galaxy_core::GameId;
use k8s_openapi::{
    ByteString,
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy},
        core::v1::{
            Container, ContainerPort, EnvFromSource, PersistentVolumeClaim,
            PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, PodSpec, PodTemplateSpec,
            ResourceRequirements, Secret, SecretEnvSource, Service, ServicePort, ServiceSpec,
            Volume, VolumeMount, VolumeResourceRequirements,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference},
        util::intstr::IntOrString,
    },
};
use secrecy::ExposeSecret as _;

use super::{
    config::KubernetesConfig,
    harden,
    names::{Names, STARTED},
};
use crate::{DriverError, EngineSpec, PullPolicy, Resources, Result};

/// The port that every engine in a pod listens on.
pub(super) const ENGINE_PORT: u16 = 8080;

/// The name of the one container in a pod.
pub(super) const CONTAINER: &str = "engine";

/// Where the volume is in the container.
const STATE_DIR: &str = "/var/lib/galaxy";

/// What a node keeps of a log beside the limit: a kubelet turns logs over by settings of its own, five files of 10 MiB
/// unless told otherwise, and an engine is not to be evicted for these.
const LOG_FILES: u64 = 64 << 20;

/// Names of variables that are the driver's.
const RESERVED: [&str; 6] = [
    "ENGINE_LISTEN_ADDR",
    "ENGINE_STATE_DIR",
    "ENGINE_PORT_FILE",
    "ENGINE_TOKEN",
    "ENGINE_GAME_ID",
    "ENGINE_EPOCH",
];

/// The claim of a game's state. It belongs to nothing, so that nothing takes it along.
pub(super) fn claim(
    game: GameId,
    epoch: i64,
    names: &Names,
    config: &KubernetesConfig,
) -> PersistentVolumeClaim {
    let size = Quantity(config.volume_size.to_string());
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(names.engine(game)),
            labels: Some(names.epoch_labels(game, epoch)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), size)])),
                ..VolumeResourceRequirements::default()
            }),
            storage_class_name: config.storage_class.clone(),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

/// What is applied to a claim as it was read, so that it remembers `epoch`.
pub(super) fn claim_of_epoch(
    game: GameId,
    epoch: i64,
    names: &Names,
    version: &str,
) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(names.engine(game)),
            labels: Some(names.epoch_labels(game, epoch)),
            resource_version: Some(version.to_owned()),
            ..ObjectMeta::default()
        },
        ..PersistentVolumeClaim::default()
    }
}

/// The claim as the owner of what goes with it.
pub(super) fn owner(game: GameId, names: &Names, claim: &str) -> OwnerReference {
    OwnerReference {
        api_version: "v1".to_owned(),
        kind: "PersistentVolumeClaim".to_owned(),
        name: names.engine(game),
        uid: claim.to_owned(),
        ..OwnerReference::default()
    }
}

/// The name of the engine in the cluster. It is the same for all epochs. Whether an engine answers is the manager's
/// question, so the name leads to engines that are not ready too.
pub(super) fn service(game: GameId, names: &Names, owner: OwnerReference) -> Service {
    Service {
        metadata: ObjectMeta {
            name: Some(names.engine(game)),
            labels: Some(names.game_labels(game)),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: i32::from(ENGINE_PORT),
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String("http".to_owned())),
                ..ServicePort::default()
            }]),
            publish_not_ready_addresses: Some(true),
            selector: Some(names.selector(game)),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

/// The environment of an engine, its token among it. Errors: [`DriverError::Invalid`] for a variable that cannot be passed
/// on as it is.
pub(super) fn secret(spec: &EngineSpec, names: &Names, owner: OwnerReference) -> Result<Secret> {
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(names.secret(spec.game, spec.epoch)),
            labels: Some(names.epoch_labels(spec.game, spec.epoch)),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(environment(spec)?),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    })
}

fn environment(spec: &EngineSpec) -> Result<BTreeMap<String, ByteString>> {
    let mut variables = BTreeMap::from([
        (
            "ENGINE_LISTEN_ADDR".to_owned(),
            format!("0.0.0.0:{ENGINE_PORT}"),
        ),
        ("ENGINE_STATE_DIR".to_owned(), STATE_DIR.to_owned()),
        ("ENGINE_GAME_ID".to_owned(), spec.game.to_string()),
        ("ENGINE_EPOCH".to_owned(), spec.epoch.to_string()),
    ]);
    if let Some(token) = &spec.token {
        variables.insert("ENGINE_TOKEN".to_owned(), token.expose_secret().to_owned());
    }
    for (name, value) in &spec.environment {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        let right = (1..=200).contains(&name.len())
            && name.bytes().all(plain)
            && !name.as_bytes()[0].is_ascii_digit()
            && !name.starts_with('.')
            && !value.contains('\0');
        if !right || RESERVED.contains(&name.as_str()) {
            return Err(DriverError::invalid(format!(
                "an engine cannot be given a variable {name:?}"
            )));
        }
        variables.insert(name.clone(), value.clone());
    }
    let bytes = |(name, value): (String, String)| (name, ByteString(value.into_bytes()));
    Ok(variables.into_iter().map(bytes).collect())
}

/// The set that runs `image` as `spec` says, once it is started. `version` is the one of the set that was read, `None` to
/// make it. Errors: [`DriverError::Invalid`] for a spec that cannot be kept.
pub(super) fn set(
    spec: &EngineSpec,
    image: &str,
    names: &Names,
    config: &KubernetesConfig,
    version: Option<&str>,
) -> Result<StatefulSet> {
    let labels = names.engine_labels(spec);
    let mut annotations = Names::engine_annotations(spec);
    let pod = ObjectMeta {
        labels: Some(labels.clone()),
        annotations: Some(annotations.clone()),
        ..ObjectMeta::default()
    };
    if version.is_some() {
        annotations.insert(STARTED.to_owned(), "1".to_owned());
    }
    Ok(StatefulSet {
        metadata: ObjectMeta {
            name: Some(names.engine(spec.game)),
            labels: Some(labels),
            annotations: Some(annotations),
            resource_version: version.map(str::to_owned),
            ..ObjectMeta::default()
        },
        spec: StatefulSetSpec {
            // It is made without a pod: between the two steps it is seen whether the epoch still counts.
            replicas: Some(i32::from(version.is_some())),
            service_name: Some(names.engine(spec.game)),
            selector: LabelSelector {
                match_labels: Some(names.selector(spec.game)),
                ..LabelSelector::default()
            },
            // A pod that never comes up must not hold up its own replacement.
            pod_management_policy: Some("Parallel".to_owned()),
            // Engines are replaced by the driver alone.
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".to_owned()),
                ..StatefulSetUpdateStrategy::default()
            }),
            revision_history_limit: Some(0),
            template: PodTemplateSpec {
                metadata: Some(pod),
                spec: Some(pod_spec(spec, image, names, config)?),
            },
            ..StatefulSetSpec::default()
        },
        ..StatefulSet::default()
    })
}

fn pod_spec(
    spec: &EngineSpec,
    image: &str,
    names: &Names,
    config: &KubernetesConfig,
) -> Result<PodSpec> {
    const STATE: &str = "state";
    let grace = i64::try_from(spec.grace.as_secs()).unwrap_or(i64::MAX);
    Ok(PodSpec {
        containers: vec![Container {
            name: CONTAINER.to_owned(),
            image: Some(image.to_owned()),
            image_pull_policy: Some(pull_policy(config.pull, image).to_owned()),
            env_from: Some(vec![EnvFromSource {
                secret_ref: Some(SecretEnvSource {
                    name: names.secret(spec.game, spec.epoch),
                    ..SecretEnvSource::default()
                }),
                ..EnvFromSource::default()
            }]),
            ports: Some(vec![ContainerPort {
                name: Some("http".to_owned()),
                container_port: i32::from(ENGINE_PORT),
                protocol: Some("TCP".to_owned()),
                ..ContainerPort::default()
            }]),
            resources: Some(limits(&spec.resources, spec.log_limit)?),
            security_context: Some(harden::container()),
            volume_mounts: Some(vec![VolumeMount {
                name: STATE.to_owned(),
                mount_path: STATE_DIR.to_owned(),
                ..VolumeMount::default()
            }]),
            ..Container::default()
        }],
        restart_policy: Some("Always".to_owned()),
        // Kubernetes counts whole seconds, and 0 means that it does not wait until the processes have ended.
        termination_grace_period_seconds: Some(grace.max(1)),
        volumes: Some(vec![Volume {
            name: STATE.to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: names.engine(spec.game),
                ..PersistentVolumeClaimVolumeSource::default()
            }),
            ..Volume::default()
        }]),
        ..harden::pod(config)
    })
}

/// A limit on processes is the kubelet's (`podPidsLimit`): a pod cannot have one.
fn limits(resources: &Resources, log_limit: u64) -> Result<ResourceRequirements> {
    let Resources {
        memory_mib,
        cpu_millis,
        pids,
    } = *resources;
    if memory_mib == 0 || cpu_millis == 0 || pids == 0 {
        return Err(DriverError::invalid("a limit of 0 would be none at all"));
    }
    let quantities = |memory: u32, cpu: u32, storage: u64| {
        BTreeMap::from([
            ("memory".to_owned(), Quantity(format!("{memory}Mi"))),
            ("cpu".to_owned(), Quantity(format!("{cpu}m"))),
            (
                "ephemeral-storage".to_owned(),
                Quantity(storage.to_string()),
            ),
        ])
    };
    Ok(ResourceRequirements {
        limits: Some(quantities(
            memory_mib,
            cpu_millis,
            log_limit.saturating_add(LOG_FILES),
        )),
        // Engines compute for moments and wait for hours: they share processors, not memory.
        requests: Some(quantities(
            memory_mib,
            (cpu_millis / 10).clamp(1, cpu_millis),
            log_limit,
        )),
        ..ResourceRequirements::default()
    })
}

/// Once an image is known by its digest, fetching it again changes nothing.
pub(super) fn pull_policy(policy: PullPolicy, image: &str) -> &'static str {
    match policy {
        PullPolicy::Never => "Never",
        PullPolicy::Always if !image.contains('@') => "Always",
        PullPolicy::Always | PullPolicy::Missing => "IfNotPresent",
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
