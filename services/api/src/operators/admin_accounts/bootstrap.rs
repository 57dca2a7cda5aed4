//! The first operator, from the environment.

use anyhow::bail;
use secrecy::ExposeSecret;

use super::store;
use crate::{
    App,
    operators::sign_in::{credentials, model},
};

/// Makes the account that the settings name, if there is none of that name. A changed password is never overwritten.
pub async fn bootstrap(app: &App) -> anyhow::Result<()> {
    let Some(first) = &app.config.admin_bootstrap else {
        return Ok(());
    };
    let password = first.password.expose_secret();
    if let Err(why) = model::check_username(&first.user) {
        bail!("BACKEND_ADMIN_BOOTSTRAP_USER {why}");
    }
    let mut connection = app.db.acquire().await?;
    if store::exists(&mut connection, &first.user).await? {
        return Ok(());
    }
    if let Err(why) = model::check_password(password) {
        bail!("BACKEND_ADMIN_BOOTSTRAP_PASSWORD {why}");
    }
    let hash = credentials::hash(password.to_owned()).await?;
    if store::insert(&mut connection, &first.user, &hash, app.clock.now()).await? {
        tracing::info!(username = first.user, "the first admin account is made");
    }
    Ok(())
}
