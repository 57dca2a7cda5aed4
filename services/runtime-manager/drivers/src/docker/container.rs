//! The container of an engine, and how it is held in.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig, Mount,
    MountType, MountVolumeOptions, NetworkingConfig, RestartPolicy, RestartPolicyNameEnum,
};
use secrecy::ExposeSecret as _;

use super::{names::Names, network::EngineNetwork, sight::ENGINE_PORT};
use crate::{DriverError, EngineSpec, Resources, Result};

/// User and group of every engine. No account of a host has them.
pub(super) const ENGINE_USER: u32 = 65_532;

/// Where the volume is in the container.
pub(super) const STATE_DIR: &str = "/var/lib/galaxy";

/// The smallest limit that Docker takes for a log file, with room for a line.
const MIN_LOG_FILE: u64 = 16 * 1024;

/// Names of variables that are the driver's.
const RESERVED: [&str; 6] = [
    "ENGINE_LISTEN_ADDR",
    "ENGINE_STATE_DIR",
    "ENGINE_PORT_FILE",
    "ENGINE_TOKEN",
    "ENGINE_GAME_ID",
    "ENGINE_EPOCH",
];

/// The container that runs `image` as `spec` says. `cpus` are the host's: Docker refuses a limit above them.
pub(super) fn body(
    spec: &EngineSpec,
    image: &str,
    names: &Names,
    network: &EngineNetwork,
    cpus: u32,
) -> Result<ContainerCreateBody> {
    let endpoint = HashMap::from([(network.id.clone(), EndpointSettings::default())]);
    Ok(ContainerCreateBody {
        image: Some(image.to_owned()),
        hostname: Some("engine".to_owned()),
        user: Some(format!("{ENGINE_USER}:{ENGINE_USER}")),
        env: Some(environment(spec)?),
        labels: Some(names.engine_labels(spec)),
        stop_signal: Some("SIGTERM".to_owned()),
        // The manager probes; a check of the image would run processes of its own.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..Default::default()
        }),
        host_config: Some(host_config(spec, names, network, cpus)?),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(endpoint),
        }),
        ..Default::default()
    })
}

fn host_config(
    spec: &EngineSpec,
    names: &Names,
    network: &EngineNetwork,
    cpus: u32,
) -> Result<HostConfig> {
    let Resources {
        memory_mib,
        cpu_millis,
        pids,
    } = spec.resources;
    if memory_mib == 0 || cpu_millis == 0 || pids == 0 {
        return Err(DriverError::invalid("a limit of 0 would be none at all"));
    }
    let memory = i64::from(memory_mib) * 1024 * 1024;
    let cpu_millis = cpu_millis.min(cpus.max(1).saturating_mul(1_000));
    Ok(HostConfig {
        memory: Some(memory),
        // Of both together: no swap.
        memory_swap: Some(memory),
        nano_cpus: Some(i64::from(cpu_millis) * 1_000_000),
        pids_limit: Some(i64::from(pids)),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        readonly_rootfs: Some(true),
        privileged: Some(false),
        publish_all_ports: Some(false),
        ipc_mode: Some("private".to_owned()),
        mounts: Some(vec![state_mount(&names.engine(spec.game), STATE_DIR)]),
        network_mode: Some(network.id.clone()),
        log_config: Some(log_config(spec.log_limit)),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        ..Default::default()
    })
}

/// A game's volume, without anything of the image in it.
pub(super) fn state_mount(volume: &str, target: &str) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.to_owned()),
        target: Some(target.to_owned()),
        volume_options: Some(MountVolumeOptions {
            no_copy: Some(true),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Two files, of which the older one goes when the newer one is full.
fn log_config(limit: u64) -> HostConfigLogConfig {
    let file = (limit / 2).max(MIN_LOG_FILE);
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(HashMap::from([
            ("max-size".to_owned(), file.to_string()),
            ("max-file".to_owned(), "2".to_owned()),
        ])),
    }
}

/// Errors: [`DriverError::Invalid`] for a variable that cannot be passed on as it is.
fn environment(spec: &EngineSpec) -> Result<Vec<String>> {
    let mut variables = vec![
        format!("ENGINE_LISTEN_ADDR=0.0.0.0:{ENGINE_PORT}"),
        format!("ENGINE_STATE_DIR={STATE_DIR}"),
        format!("ENGINE_GAME_ID={}", spec.game),
        format!("ENGINE_EPOCH={}", spec.epoch),
    ];
    if let Some(token) = &spec.token {
        variables.push(format!("ENGINE_TOKEN={}", token.expose_secret()));
    }
    for (name, value) in &spec.environment {
        let plain = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
        if !plain || RESERVED.contains(&name.as_str()) {
            return Err(DriverError::invalid(format!(
                "an engine cannot be given a variable {name:?}"
            )));
        }
        variables.push(format!("{name}={value}"));
    }
    Ok(variables)
}
