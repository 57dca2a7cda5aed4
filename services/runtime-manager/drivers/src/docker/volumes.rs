//! The volume of a game's state, and the memory of its newest epoch.

use bollard::{
    body_full,
    models::{ContainerCreateBody, HostConfig, VolumeCreateRequest},
    query_parameters::{
        ContainerArchiveInfoOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptions,
        RemoveContainerOptionsBuilder, RemoveVolumeOptions, UploadToContainerOptionsBuilder,
    },
};
use bytes::Bytes;
use galaxy_core::GameId;

use super::{
    Inner,
    container::{ENGINE_USER, STATE_DIR, state_mount},
    error::{driver_error, is_missing},
    names::Volume,
};
use crate::{DriverError, Result};

/// Where the helper has the volume.
const HELPER_DIR: &str = "galaxy-state";

/// Access to a state directory: its owner's alone. The sticky bit, which no directory has by itself, says that the
/// owner is set.
const STATE_MODE: u32 = 0o1700;

/// The same in the words of Docker, which are those of Go's `fs.FileMode`.
const STATE_MODE_IN_GO: u32 = (1 << 20) | 0o700;

impl Inner {
    /// Makes the volume of the game, and remembers that an engine of `epoch` is made on it.
    pub(super) async fn make_volumes(&self, game: GameId, epoch: i64) -> Result<()> {
        self.remember_epoch(game, epoch).await?;
        let state = self.names.engine(game);
        self.make_volume(state, Volume::State, game, epoch).await
    }

    /// Remembers that an engine of `epoch` is made for the game, for as long as its state is there.
    pub(super) async fn remember_epoch(&self, game: GameId, epoch: i64) -> Result<()> {
        let name = self.names.epoch_volume(game, epoch);
        self.make_volume(name, Volume::Epoch, game, epoch).await
    }

    /// Docker gives a volume that is there back as it is.
    async fn make_volume(
        &self,
        name: String,
        kind: Volume,
        game: GameId,
        epoch: i64,
    ) -> Result<()> {
        let request = VolumeCreateRequest {
            name: Some(name),
            labels: Some(self.names.volume_labels(kind, game, epoch)),
            ..Default::default()
        };
        let made = self.docker.create_volume(request).await;
        made.map(|_| ()).map_err(driver_error)
    }

    /// Gives the state directory of `container`, which has not been started, to the engines' user.
    ///
    /// A new volume belongs to root, whatever the image holds. Docker unpacks archives as root into containers that do
    /// not run, and sets owners as the archive says, but not of the directory that it unpacks into; so a helper has
    /// the volume one level below.
    pub(super) async fn own_state(&self, container: &str, image: &str, game: GameId) -> Result<()> {
        let options = ContainerArchiveInfoOptionsBuilder::default()
            .path(STATE_DIR)
            .build();
        let seen = self
            .docker
            .get_container_archive_info(container, Some(options))
            .await
            .map_err(driver_error)?;
        let permissions = (1 << 20) | 0o777;
        if seen.file_mode & permissions == STATE_MODE_IN_GO {
            return Ok(());
        }
        let helper = ContainerCreateBody {
            image: Some(image.to_owned()),
            // Never run.
            cmd: Some(vec!["none".to_owned()]),
            labels: Some(self.names.helper_labels()),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                mounts: Some(vec![state_mount(
                    &self.names.engine(game),
                    &format!("/{HELPER_DIR}"),
                )]),
                ..Default::default()
            }),
            ..Default::default()
        };
        let helper = self.docker.create_container(None, helper).await;
        let helper = helper.map_err(driver_error)?.id;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        let archive = directory_archive(HELPER_DIR, STATE_MODE, ENGINE_USER);
        let owned = self
            .docker
            .upload_to_container(&helper, Some(options), body_full(archive))
            .await;
        self.remove_helper(&helper).await?;
        owned.map_err(driver_error)
    }

    pub(super) async fn remove_helper(&self, id: &str) -> Result<()> {
        match self.docker.remove_container(id, Some(forced())).await {
            Err(error) if !is_missing(&error) => Err(driver_error(error)),
            _ => Ok(()),
        }
    }

    /// Whether there is state of the game.
    pub(super) async fn has_state(&self, game: GameId) -> Result<bool> {
        match self.docker.inspect_volume(&self.names.engine(game)).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(driver_error(error)),
        }
    }

    /// Removes the state, and then the memory of its epochs, unless that knows one above `epoch`.
    pub(super) async fn remove_state(&self, game: GameId, epoch: i64) -> Result<()> {
        let remembered = self.epochs(game).await?;
        fence(&remembered, epoch)?;
        self.remove_volume(&self.names.engine(game)).await?;
        for epoch in remembered {
            self.forget_epoch(game, epoch).await?;
        }
        Ok(())
    }

    /// Errors: [`DriverError::Fenced`] if an engine above `epoch` was made on the state that is there.
    pub(super) async fn check_epoch(&self, game: GameId, epoch: i64) -> Result<()> {
        fence(&self.epochs(game).await?, epoch)
    }

    /// Removes the memory of an epoch after which a newer one has been remembered.
    pub(super) async fn forget_epoch(&self, game: GameId, epoch: i64) -> Result<()> {
        self.remove_volume(&self.names.epoch_volume(game, epoch))
            .await
    }

    async fn remove_volume(&self, name: &str) -> Result<()> {
        match self
            .docker
            .remove_volume(name, None::<RemoveVolumeOptions>)
            .await
        {
            Err(error) if !is_missing(&error) => Err(driver_error(error)),
            _ => Ok(()),
        }
    }

    async fn epochs(&self, game: GameId) -> Result<Vec<i64>> {
        let filters = self.names.volume_filter(Volume::Epoch, Some(game));
        let options = ListVolumesOptionsBuilder::default()
            .filters(&filters)
            .build();
        let listed = self.docker.list_volumes(Some(options)).await;
        let volumes = listed.map_err(driver_error)?.volumes;
        Ok(volumes
            .into_iter()
            .flatten()
            .filter_map(|volume| self.names.epoch(&volume.labels))
            .collect())
    }
}

fn fence(remembered: &[i64], epoch: i64) -> Result<()> {
    match remembered.iter().max() {
        Some(found) if *found > epoch => Err(DriverError::Fenced { found: *found }),
        _ => Ok(()),
    }
}

/// Killed if need be, and with the volumes that have no name; named ones stay.
pub(super) fn forced() -> RemoveContainerOptions {
    RemoveContainerOptionsBuilder::default()
        .force(true)
        .v(true)
        .build()
}

/// A tar archive (POSIX.1-1988 ustar) of one directory.
fn directory_archive(name: &str, mode: u32, owner: u32) -> Bytes {
    let mut header = [0_u8; 512];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &format!("{name}/"));
    put(100, &format!("{mode:07o}"));
    put(108, &format!("{owner:07o}"));
    put(116, &format!("{owner:07o}"));
    put(124, &format!("{:011o}", 0));
    put(136, &format!("{:011o}", 0));
    // The sum counts itself as spaces.
    put(148, "        ");
    put(156, "5");
    put(257, "ustar\u{0}00");
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\u{0} ").as_bytes());
    // Two empty blocks end the archive.
    let mut archive = header.to_vec();
    archive.resize(512 * 3, 0);
    archive.into()
}
