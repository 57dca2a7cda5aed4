//! How the driver reaches a cluster, and what it makes there.

use std::path::PathBuf;

use crate::{DriverError, PullPolicy, Result};

/// The settings of a [`super::KubernetesDriver`].
#[derive(Debug, Clone)]
pub struct KubernetesConfig {
    /// A kubeconfig file, of which the current context is used; `None` is the cluster that this process runs in, or else
    /// the kubeconfig that `kubectl` would take.
    pub kubeconfig: Option<PathBuf>,
    /// The namespace that engines are in. It must exist: the node is named by its uid.
    pub namespace: String,
    /// The deployment: 1 to 63 of `a-z`, `0-9` and inner `-`. Engines of other deployments are never seen.
    pub deployment: String,
    /// What the names of services end with in this cluster.
    pub cluster_domain: String,
    /// The class of the volumes that states are on; `None` is the cluster's default one.
    pub storage_class: Option<String>,
    /// The size of such a volume, in bytes.
    pub volume_size: u64,
    /// When images are fetched.
    pub pull: PullPolicy,
    /// The secret with which images are fetched.
    pub pull_secret: Option<String>,
    /// The account of the engines' pods. They never get its token.
    pub service_account: Option<String>,
}

impl KubernetesConfig {
    /// The cluster that this process runs in and its defaults, for `deployment` in `namespace`.
    pub fn new(deployment: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            kubeconfig: None,
            namespace: namespace.into(),
            deployment: deployment.into(),
            cluster_domain: "cluster.local".to_owned(),
            storage_class: None,
            volume_size: 1 << 30,
            pull: PullPolicy::default(),
            pull_secret: None,
            service_account: None,
        }
    }

    /// Errors: [`DriverError::Invalid`] for names that Kubernetes does not take (RFC 1123).
    pub(super) fn check(&self) -> Result<()> {
        let optional = |name: &Option<String>| name.as_deref().is_none_or(is_subdomain);
        for (what, text, right) in [
            ("namespace", &self.namespace, is_label(&self.namespace)),
            ("deployment", &self.deployment, is_label(&self.deployment)),
            (
                "cluster domain",
                &self.cluster_domain,
                is_subdomain(&self.cluster_domain),
            ),
        ] {
            if !right {
                return Err(DriverError::invalid(format!(
                    "{what} {text:?} is not a name of lower-case letters, digits and inner hyphens"
                )));
            }
        }
        for (what, name) in [
            ("storage class", &self.storage_class),
            ("pull secret", &self.pull_secret),
            ("service account", &self.service_account),
        ] {
            if !optional(name) {
                return Err(DriverError::invalid(format!(
                    "{what} {name:?} is not a name that Kubernetes takes"
                )));
            }
        }
        if self.volume_size == 0 {
            return Err(DriverError::invalid("a volume of 0 bytes holds no state"));
        }
        Ok(())
    }
}

fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_kubernetes_does_not_take_are_refused_before_anything_is_made() {
        assert!(KubernetesConfig::new("galaxy", "engines").check().is_ok());
        for wrong in ["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64)] {
            assert!(
                KubernetesConfig::new("d", wrong).check().is_err(),
                "{wrong}"
            );
            assert!(
                KubernetesConfig::new(wrong, "n").check().is_err(),
                "{wrong}"
            );
        }
        let class = |class: &str| KubernetesConfig {
            storage_class: Some(class.to_owned()),
            ..KubernetesConfig::new("d", "n")
        };
        assert!(class("fast.ssd").check().is_ok());
        assert!(class("fast ssd").check().is_err());
    }
}
