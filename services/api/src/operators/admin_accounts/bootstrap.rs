//! The first operator, from the environment.

use anyhow::bail;
use galaxy_core::Timestamp;
use galaxy_service::{Secret, Vars};
use galaxy_store::Db;
use secrecy::ExposeSecret;

use super::store;
use crate::operators::sign_in::{self, model, passwords};

/// The operator that is created at the first start.
#[derive(Debug, Clone)]
pub struct FirstOperator {
    pub user: String,
    pub password: Secret,
}

impl FirstOperator {
    /// Reads the settings. The outer `None` is a problem that was reported to `vars`; the inner `None` means that neither is
    /// set.
    pub fn read(vars: &mut Vars) -> Option<Option<Self>> {
        let user = vars.optional(
            "BACKEND_ADMIN_BOOTSTRAP_USER",
            "User name of the first operator",
        );
        let password = vars.optional_secret(
            "BACKEND_ADMIN_BOOTSTRAP_PASSWORD",
            "Password of the first operator, 12 characters or more",
        );
        match (user?, password?) {
            (None, None) => Some(None),
            (Some(user), Some(password)) => Some(Some(Self { user, password })),
            _ => vars.problem(
                "BACKEND_ADMIN_BOOTSTRAP_USER",
                "and BACKEND_ADMIN_BOOTSTRAP_PASSWORD go together",
            ),
        }
    }

    /// Creates the account if there is none of that name. An existing password is never overwritten; if it is another one, that is
    /// logged.
    pub async fn create(&self, db: &Db, now: Timestamp) -> anyhow::Result<()> {
        let password = self.password.expose_secret();
        if let Err(why) = model::check_username(&self.user) {
            bail!("BACKEND_ADMIN_BOOTSTRAP_USER {why}");
        }
        let mut connection = db.acquire().await?;
        if store::exists(&mut connection, &self.user).await? {
            let hash = sign_in::store::password_hash(&mut connection, &self.user).await?;
            drop(connection);
            if let Some(hash) = hash
                && !passwords::verify(password.to_owned(), hash).await?
            {
                tracing::warn!(
                    username = self.user,
                    "BACKEND_ADMIN_BOOTSTRAP_PASSWORD is not this operator's password and is ignored: it counts at the first start only; change passwords through the API"
                );
            }
            return Ok(());
        }
        if let Err(why) = model::check_password(password) {
            bail!("BACKEND_ADMIN_BOOTSTRAP_PASSWORD {why}");
        }
        let hash = passwords::hash(password.to_owned()).await?;
        if store::insert(&mut connection, &self.user, &hash, now).await? {
            tracing::info!(username = self.user, "created the first admin account");
        }
        Ok(())
    }
}
