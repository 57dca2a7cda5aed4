//! Rules for each object by itself: pods that can do nothing they need not, probes, budgets, autoscalers, rights.

use serde_json::{Value, json};

use super::objects::{Objects, Workload, items, name, selects};

/// Everything that breaks a rule.
pub fn problems(objects: &Objects) -> Vec<String> {
    let mut wrong = vec![];
    for workload in objects.workloads() {
        pod(workload, &mut wrong);
        if workload.is_process() {
            process(objects, workload, &mut wrong);
        }
    }
    for service in objects.of("Service") {
        served(objects, service, &mut wrong);
    }
    for autoscaler in objects.of("HorizontalPodAutoscaler") {
        scaled(objects, autoscaler, &mut wrong);
    }
    namespaces(objects, &mut wrong);
    rights(objects, &mut wrong);
    wrong
}

/// The level `restricted` of the Pod Security Standards, a read-only root, and bounded resources.
fn pod(workload: Workload<'_>, wrong: &mut Vec<String>) {
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{} {}: {what}", workload.kind, workload.name));
        }
    };
    let security = &workload.pod["securityContext"];
    expect(security["runAsNonRoot"] == true, "runs as root");
    expect(
        security["seccompProfile"]["type"] == "RuntimeDefault",
        "has no seccomp profile",
    );
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        expect(workload.pod[host].is_null(), "shares the host");
    }
    expect(
        items(&workload.pod["volumes"]).all(|volume| volume["hostPath"].is_null()),
        "mounts a directory of the host",
    );
    for container in workload.containers() {
        let security = &container["securityContext"];
        expect(
            security["allowPrivilegeEscalation"] == false,
            "may gain privileges",
        );
        expect(
            security["readOnlyRootFilesystem"] == true,
            "may write its root",
        );
        expect(
            security["capabilities"] == json!({"drop": ["ALL"]}),
            "keeps capabilities",
        );
        let resources = &container["resources"];
        expect(
            ["cpu", "memory"]
                .iter()
                .all(|resource| resources["requests"][resource].is_string()),
            "asks for no processor time or memory",
        );
        expect(
            resources["limits"]["memory"].is_string(),
            "has no limit of memory",
        );
    }
}

/// What lets a process be rolled, drained and moved without an outage.
fn process(objects: &Objects, workload: Workload<'_>, wrong: &mut Vec<String>) {
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{} {}: {what}", workload.kind, workload.name));
        }
    };
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let probes = workload.containers().all(|container| {
            let port = &container[probe]["httpGet"]["port"];
            items(&container["ports"]).any(|named| !port.is_null() && named["name"] == *port)
        });
        expect(probes, &format!("has no {probe} on a port of its own"));
    }
    expect(
        items(&workload.pod["topologySpreadConstraints"])
            .any(|spread| selects(&spread["labelSelector"], workload.labels)),
        "may have all replicas on one host",
    );
    expect(
        objects
            .of("PodDisruptionBudget")
            .any(|budget| selects(&budget["spec"]["selector"], workload.labels)),
        "has no disruption budget",
    );
    let account = workload.pod["serviceAccountName"]
        .as_str()
        .unwrap_or_default();
    expect(account == workload.name, "has no account of its own");
    let may_call = workload.pod["automountServiceAccountToken"] == true;
    expect(
        may_call == (workload.name == "runtime-manager"),
        "has a token of the cluster, or lacks it",
    );
}

/// Each port of a service leads to a named port of some pod.
fn served(objects: &Objects, service: &Value, wrong: &mut Vec<String>) {
    let selector = json!({ "matchLabels": service["spec"]["selector"] });
    for port in items(&service["spec"]["ports"]) {
        let leads = objects
            .workloads()
            .filter(|workload| selects(&selector, workload.labels))
            .flat_map(Workload::containers)
            .flat_map(|container| items(&container["ports"]))
            .any(|of_pod| of_pod["name"] == port["targetPort"]);
        if !leads {
            wrong.push(format!(
                "Service {}: port {} leads nowhere",
                name(service),
                port["name"]
            ));
        }
    }
}

/// An autoscaler's target is there, and has no number of replicas that each `apply` would reset.
fn scaled(objects: &Objects, autoscaler: &Value, wrong: &mut Vec<String>) {
    let target = &autoscaler["spec"]["scaleTargetRef"]["name"];
    let found = objects
        .of("Deployment")
        .find(|deployment| deployment["metadata"]["name"] == *target);
    match found {
        None => wrong.push(format!("HorizontalPodAutoscaler {target}: scales nothing")),
        Some(deployment) if !deployment["spec"]["replicas"].is_null() => {
            wrong.push(format!(
                "Deployment {target}: sets replicas beside an autoscaler"
            ));
        }
        Some(_) => {}
    }
}

fn namespaces(objects: &Objects, wrong: &mut Vec<String>) {
    for namespace in objects.of("Namespace") {
        let level = &namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
        if level != "restricted" {
            wrong.push(format!("Namespace {}: is not restricted", name(namespace)));
        }
    }
}

/// The runtime manager alone has rights, in the engines' namespace alone, and each is named.
fn rights(objects: &Objects, wrong: &mut Vec<String>) {
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        wrong.extend(
            objects
                .of(kind)
                .map(|object| format!("{kind} {}: holds in the whole cluster", name(object))),
        );
    }
    for object in objects.of("Role").chain(objects.of("RoleBinding")) {
        if object["metadata"]["namespace"] != "galaxy-engines" {
            wrong.push(format!(
                "{}: is not in the engines' namespace",
                name(object)
            ));
        }
    }
    for role in objects.of("Role") {
        for list in ["verbs", "resources", "apiGroups"] {
            let named =
                items(&role["rules"]).all(|rule| items(&rule[list]).all(|item| item != "*"));
            if !named {
                wrong.push(format!("Role {}: names not all of its {list}", name(role)));
            }
        }
    }
    for binding in objects.of("RoleBinding") {
        let runtime_manager =
            json!([{"kind": "ServiceAccount", "name": "runtime-manager", "namespace": "galaxy"}]);
        if binding["subjects"] != runtime_manager {
            wrong.push(format!("RoleBinding {}: is for others too", name(binding)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Value {
        json!({
            "kind": "Deployment", "metadata": {"name": "mailer"},
            "spec": {"template": {
                "metadata": {"labels": {"app.kubernetes.io/name": "mailer"}},
                "spec": {
                    "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{
                        "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                            "capabilities": {"drop": ["ALL"]}},
                        "resources": {"requests": {"cpu": "1", "memory": "1Mi"}, "limits": {"memory": "1Mi"}},
                        "ports": [{"name": "ops"}],
                    }],
                },
            }},
        })
    }

    fn found(changed: &str, to: Value) -> Vec<String> {
        let mut object = sound();
        *object.pointer_mut(changed).unwrap() = to;
        problems(&Objects(vec![object]))
    }

    #[test]
    fn a_pod_that_may_more_than_it_needs_is_found() {
        assert_eq!(problems(&Objects(vec![sound()])), Vec::<String>::new());
        let pod = "/spec/template/spec";
        let container = format!("{pod}/containers/0");
        for (path, to, what) in [
            (
                format!("{pod}/securityContext/runAsNonRoot"),
                json!(false),
                "runs as root",
            ),
            (
                format!("{pod}/securityContext/seccompProfile"),
                json!({}),
                "seccomp",
            ),
            (
                format!("{container}/securityContext/readOnlyRootFilesystem"),
                json!(false),
                "write its root",
            ),
            (
                format!("{container}/securityContext/allowPrivilegeEscalation"),
                json!(true),
                "gain privileges",
            ),
            (
                format!("{container}/securityContext/capabilities"),
                json!({"drop": []}),
                "capabilities",
            ),
            (
                format!("{container}/resources/limits"),
                json!({}),
                "no limit of memory",
            ),
            (
                format!("{container}/resources/requests"),
                json!({"cpu": "1"}),
                "asks for no",
            ),
        ] {
            let found = found(&path, to);
            assert!(
                found.len() == 1 && found[0].contains(what),
                "{path}: {found:?}"
            );
        }
    }

    #[test]
    fn a_process_needs_probes_a_budget_and_an_account() {
        let found = found(
            "/spec/template/metadata/labels",
            json!({"galaxy.dev/process": "true"}),
        );
        for what in [
            "startupProbe",
            "readinessProbe",
            "livenessProbe",
            "one host",
            "budget",
            "account",
        ] {
            assert!(
                found.iter().any(|problem| problem.contains(what)),
                "{what}: {found:?}"
            );
        }
    }

    #[test]
    fn rights_beyond_the_engines_are_found() {
        let role = |namespace: &str, verb: &str| {
            json!({"kind": "Role", "metadata": {"name": "r", "namespace": namespace},
                "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}]})
        };
        let binding = json!({"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "galaxy-engines"},
            "subjects": [{"kind": "ServiceAccount", "name": "api", "namespace": "galaxy"}]});
        let cluster = json!({"kind": "ClusterRole", "metadata": {"name": "c"}});
        assert!(problems(&Objects(vec![role("galaxy-engines", "get")])).is_empty());
        for wrong in [
            role("galaxy", "get"),
            role("galaxy-engines", "*"),
            binding,
            cluster,
        ] {
            assert_eq!(problems(&Objects(vec![wrong.clone()])).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_service_and_an_autoscaler_lead_somewhere() {
        let service = |port: &str| {
            json!({"kind": "Service", "metadata": {"name": "mailer"},
                "spec": {"selector": {"app.kubernetes.io/name": "mailer"}, "ports": [{"name": "p", "targetPort": port}]}})
        };
        let autoscaler = |target: &str| json!({"kind": "HorizontalPodAutoscaler", "spec": {"scaleTargetRef": {"name": target}}});
        let with = |object: Value| problems(&Objects(vec![sound(), object]));
        assert!(with(service("ops")).is_empty());
        assert!(with(autoscaler("mailer")).is_empty());
        assert!(with(service("http"))[0].contains("leads nowhere"));
        assert!(with(autoscaler("api"))[0].contains("scales nothing"));
    }
}
