//! Who reaches what: the network policies, evaluated for every pair of pods, give exactly the ways that are meant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::objects::{Objects, items, selects};

/// The ways that both sides have to allow, from and to and port; the same in every overlay.
const WAYS: [(&str, &str, u64); 7] = [
    ("gateway", "api", 8080),
    ("gateway", "push-hub", 8090),
    ("api", "engine", 8080),
    ("runtime-manager", "engine", 8080),
    ("world", "gateway", 8000),
    ("world", "gateway", 8443),
    ("runtime-manager", "world", 443),
];
/// Beside them, where the dependencies are pods.
const LOCAL: [(&str, &str, u64); 12] = [
    ("api", "postgres", 5432),
    ("mailer", "postgres", 5432),
    ("migrate", "postgres", 5432),
    ("notifier", "postgres", 5432),
    ("runtime-manager", "postgres", 5432),
    ("api", "nats", 4222),
    ("gateway", "nats", 4222),
    ("mailer", "nats", 4222),
    ("notifier", "nats", 4222),
    ("push-hub", "nats", 4222),
    ("runtime-manager", "nats", 4222),
    ("mailer", "mailpit", 1025),
];
/// Ports that anything listens on.
const PORTS: [u64; 11] = [
    443, 1025, 4222, 5432, 8000, 8025, 8080, 8090, 8222, 8443, 9090,
];

/// One end of a connection.
#[derive(Debug, Clone)]
struct End {
    name: String,
    namespace: &'static str,
    labels: Value,
    /// Outside of both namespaces, so that no policy of ours holds there.
    outside: bool,
}

/// Ways that are open and should not be, and the other way round.
pub fn problems(objects: &Objects, overlay: &str) -> Vec<String> {
    let ends = ends(objects);
    let mut open = BTreeSet::new();
    for from in &ends {
        for to in &ends {
            if from.name == to.name || (from.outside && to.outside) {
                continue;
            }
            for port in PORTS {
                let leaves = from.outside || allows(objects, "Egress", from, to, port);
                let enters = to.outside || allows(objects, "Ingress", to, from, port);
                if leaves && enters {
                    open.insert((from.name.clone(), to.name.clone(), port));
                }
            }
        }
    }
    // What anybody outside may do, and what may be done to anybody outside, is no way of its own.
    let world = |name: &str| name == "world" || name == "monitoring";
    let as_anybody = |way: &(String, String, u64)| {
        let named = |name: &str| if world(name) { "world" } else { name }.to_owned();
        (named(&way.0), named(&way.1), way.2)
    };
    let all = open.clone();
    open.retain(|way| as_anybody(way) == *way || !all.contains(&as_anybody(way)));

    let local = (overlay == "local").then_some(LOCAL).into_iter().flatten();
    let meant = WAYS.into_iter().chain(local);
    let mut meant: BTreeSet<_> = meant
        .map(|(from, to, port)| (from.to_owned(), to.to_owned(), port))
        .collect();
    if overlay == "production" {
        let processes = objects.workloads().filter(|workload| workload.is_process());
        meant.extend(
            processes.map(|process| ("monitoring".to_owned(), process.name.to_owned(), 9090)),
        );
    }
    let too_many = open
        .difference(&meant)
        .map(|(from, to, port)| format!("{from} reaches port {port} of {to}"));
    let missing = meant
        .difference(&open)
        .map(|(from, to, port)| format!("{from} cannot reach port {port} of {to}"));
    too_many.chain(missing).collect()
}

fn ends(objects: &Objects) -> Vec<End> {
    let inside = objects.workloads().map(|workload| End {
        name: workload.name.to_owned(),
        namespace: "galaxy",
        labels: workload.labels.clone(),
        outside: false,
    });
    let engine = End {
        name: "engine".to_owned(),
        namespace: "galaxy-engines",
        labels: json!({"galaxy.backend": "1"}),
        outside: false,
    };
    let outside =
        [("world", "elsewhere"), ("monitoring", "monitoring")].map(|(name, namespace)| End {
            name: name.to_owned(),
            namespace,
            labels: json!({}),
            outside: true,
        });
    inside.chain([engine]).chain(outside).collect()
}

/// Whether the policies that select `own` let it talk to `other` in this direction. A pod that none selects may do all.
fn allows(objects: &Objects, direction: &str, own: &End, other: &End, port: u64) -> bool {
    let mut selected = objects
        .of("NetworkPolicy")
        .filter(|policy| policy["metadata"]["namespace"] == own.namespace)
        .filter(|policy| items(&policy["spec"]["policyTypes"]).any(|kind| kind == direction))
        .filter(|policy| selects(&policy["spec"]["podSelector"], &own.labels))
        .peekable();
    if selected.peek().is_none() {
        return true;
    }
    let (rules, peers) = if direction == "Egress" {
        ("egress", "to")
    } else {
        ("ingress", "from")
    };
    selected.any(|policy| {
        items(&policy["spec"][rules]).any(|rule| {
            let ports = rule["ports"].is_null()
                || items(&rule["ports"]).any(|allowed| {
                    allowed["port"].is_null() || allowed["port"].as_u64() == Some(port)
                });
            let peer =
                rule[peers].is_null() || items(&rule[peers]).any(|peer| is_peer(peer, own, other));
            ports && peer
        })
    })
}

fn is_peer(peer: &Value, own: &End, other: &End) -> bool {
    if !peer["ipBlock"].is_null() {
        // Where dependencies of an overlay are outside of the cluster; none of the ends here is.
        return false;
    }
    let namespace = if peer["namespaceSelector"].is_null() {
        other.namespace == own.namespace
    } else {
        let labels = json!({"kubernetes.io/metadata.name": other.namespace});
        selects(&peer["namespaceSelector"], &labels)
    };
    namespace && (peer["podSelector"].is_null() || selects(&peer["podSelector"], &other.labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": {
            "metadata": {"labels": {"app.kubernetes.io/name": name}}, "spec": {}}}})
    }

    fn policy(namespace: &str, spec: &Value) -> Value {
        json!({"kind": "NetworkPolicy", "metadata": {"namespace": namespace}, "spec": spec})
    }

    fn denied() -> Vec<Value> {
        let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
        vec![
            pod("gateway"),
            pod("api"),
            policy("galaxy", &spec),
            policy("galaxy-engines", &spec),
        ]
    }

    #[test]
    fn a_way_needs_both_sides() {
        let mut objects = denied();
        let blocked = problems(&Objects(objects.clone()), "production");
        let way = "gateway cannot reach port 8080 of api".to_owned();
        assert!(blocked.contains(&way), "{blocked:?}");
        assert!(
            !blocked.iter().any(|problem| problem.contains("reaches")),
            "{blocked:?}"
        );

        let named = |name: &str| json!({"matchLabels": {"app.kubernetes.io/name": name}});
        let ports = json!([{"port": 8080}]);
        objects.push(policy(
            "galaxy",
            &json!({"podSelector": named("api"), "policyTypes": ["Ingress"],
                "ingress": [{"ports": ports, "from": [{"podSelector": named("gateway")}]}]}),
        ));
        assert!(problems(&Objects(objects.clone()), "production").contains(&way));
        objects.push(policy(
            "galaxy",
            &json!({"podSelector": named("gateway"), "policyTypes": ["Egress"],
                "egress": [{"ports": ports, "to": [{"podSelector": named("api")}]}]}),
        ));
        assert!(!problems(&Objects(objects), "production").contains(&way));
    }

    #[test]
    fn a_pod_without_policies_is_open_to_all() {
        let found = problems(&Objects(vec![pod("api")]), "production");
        assert!(
            found.contains(&"engine reaches port 9090 of api".to_owned()),
            "{found:?}"
        );
    }
}
