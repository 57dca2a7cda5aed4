//! The network that engines are on.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use bollard::{
    Docker,
    models::{Network, NetworkCreateRequest, NetworkInspect},
    query_parameters::ListNetworksOptionsBuilder,
};
use ipnet::IpNet;

use super::{
    config::DockerConfig,
    error::{driver_error, is_conflict, is_missing},
    names::Names,
};
use crate::{DriverError, Result};

/// How long after making a network others that were made at the same time are looked for. Once a deployment.
const SETTLE_TIME: Duration = Duration::from_millis(500);

/// A network as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineNetwork {
    /// Docker's id of it. Names may be doubled.
    pub(super) id: String,
    subnets: Vec<IpNet>,
}

impl EngineNetwork {
    /// Whether `address` was given by this network.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        self.subnets.iter().any(|subnet| subnet.contains(&address))
    }

    #[cfg(test)]
    pub(super) fn of(id: &str, subnet: &str) -> Self {
        Self {
            id: id.to_owned(),
            subnets: vec![subnet.parse().unwrap()],
        }
    }

    fn new(network: NetworkInspect) -> Result<Self> {
        let configs = network.ipam.and_then(|ipam| ipam.config);
        let subnets: Vec<_> = configs
            .into_iter()
            .flatten()
            .filter_map(|config| config.subnet?.parse().ok())
            .collect();
        let id = network.id.unwrap_or_default();
        if id.is_empty() || subnets.is_empty() {
            return Err(DriverError::invalid(
                "the network of engines has no subnet: host and macvlan networks without one cannot be used",
            ));
        }
        Ok(Self { id, subnets })
    }
}

/// The network of `config`, made if it is missing.
pub(super) async fn ensure(
    docker: &Docker,
    config: &DockerConfig,
    names: &Names,
) -> Result<EngineNetwork> {
    match docker.inspect_network(&config.network, None).await {
        Ok(network) => return EngineNetwork::new(network),
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(driver_error(error)),
    }
    let made = docker.create_network(request(config, names)).await;
    let made = match made {
        Ok(made) => Some(made.id),
        Err(error) if is_conflict(&error) => None,
        Err(error) => return Err(driver_error(error)),
    };
    // Docker lists a network some time after it was begun: another manager's older one may not be there yet.
    tokio::time::sleep(SETTLE_TIME).await;
    let id = oldest(docker, &config.network).await?;
    // Two managers may have made one each, since names need not be unique: both keep the older one.
    if let Some(made) = made.filter(|made| *made != id) {
        docker.remove_network(&made).await.map_err(driver_error)?;
    }
    let network = docker.inspect_network(&id, None).await;
    EngineNetwork::new(network.map_err(driver_error)?)
}

fn request(config: &DockerConfig, names: &Names) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: config.network.clone(),
        driver: Some("bridge".to_owned()),
        internal: Some(config.internal),
        labels: Some(names.network_labels()),
        ..Default::default()
    }
}

/// The id of the oldest network of that name.
async fn oldest(docker: &Docker, name: &str) -> Result<String> {
    let filters = HashMap::from([("name", vec![name])]);
    let options = ListNetworksOptionsBuilder::default()
        .filters(&filters)
        .build();
    let networks = docker.list_networks(Some(options)).await;
    let found = networks
        .map_err(driver_error)?
        .into_iter()
        // The filter takes parts of names, too.
        .filter(|network| network.name.as_deref() == Some(name))
        .min_by_key(|network: &Network| (network.created.clone(), network.id.clone()))
        .and_then(|network| network.id);
    found.ok_or_else(|| DriverError::unavailable("the network of engines was removed at once"))
}
