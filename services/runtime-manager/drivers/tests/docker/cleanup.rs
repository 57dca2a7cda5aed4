//! The Docker engine of this machine, and what tests leave in it.

use std::collections::HashMap;

use bollard::{
    Docker,
    query_parameters::{
        ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
        RemoveImageOptionsBuilder, RemoveVolumeOptions,
    },
};
use galaxy_drivers::docker::DockerConfig;

/// The engine, if one answers. Otherwise the test's output says that it was skipped.
pub async fn docker() -> Option<Docker> {
    let docker = Docker::connect_with_local_defaults().ok();
    let answers = match &docker {
        Some(docker) => docker.ping().await.is_ok(),
        None => false,
    };
    if answers {
        eprintln!("runs in containers");
        return docker;
    }
    eprintln!("SKIPPED: no Docker engine answers");
    None
}

/// Removes everything of a deployment, and `images`.
pub async fn remove(docker: &Docker, config: &DockerConfig, images: &[String]) {
    let named = HashMap::from([("name", vec![config.deployment.as_str()])]);
    let helper = format!("{}.helper={}", config.label_prefix, config.deployment);
    let helpers = HashMap::from([("label", vec![helper.as_str()])]);
    for filters in [&named, &helpers] {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(filters)
            .build();
        for container in docker.list_containers(Some(options)).await.unwrap() {
            let options = RemoveContainerOptionsBuilder::default()
                .force(true)
                .v(true)
                .build();
            let id = container.id.unwrap();
            let _ = docker.remove_container(&id, Some(options)).await;
        }
    }
    let options = ListVolumesOptionsBuilder::default().filters(&named).build();
    let volumes = docker.list_volumes(Some(options)).await.unwrap().volumes;
    for volume in volumes.into_iter().flatten() {
        let _ = docker
            .remove_volume(&volume.name, None::<RemoveVolumeOptions>)
            .await;
    }
    let _ = docker.remove_network(&config.network).await;
    let forced = RemoveImageOptionsBuilder::default().force(true).build();
    for image in images {
        let _ = docker.remove_image(image, Some(forced.clone()), None).await;
    }
}
