//! How pods are held in: what Pod Security calls `restricted`, and more.

use k8s_openapi::api::core::v1::{
    Capabilities, LocalObjectReference, PodSecurityContext, PodSpec, SeccompProfile,
    SecurityContext,
};

use super::config::KubernetesConfig;

/// User and group of every engine. No account of a host has them.
pub(super) const ENGINE_USER: i64 = 65_532;

/// Of the one container in a pod.
pub(super) fn container() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..Capabilities::default()
        }),
        privileged: Some(false),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}

/// A pod that gets nothing from the cluster: no token, no addresses of services.
pub(super) fn pod(config: &KubernetesConfig) -> PodSpec {
    let secret = config.pull_secret.clone();
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: secret.map(|name| vec![LocalObjectReference { name }]),
        security_context: Some(PodSecurityContext {
            fs_group: Some(ENGINE_USER),
            // A volume may hold many files; its root tells whether all are the group's already.
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            run_as_group: Some(ENGINE_USER),
            run_as_non_root: Some(true),
            run_as_user: Some(ENGINE_USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        service_account_name: config.service_account.clone(),
        ..PodSpec::default()
    }
}
