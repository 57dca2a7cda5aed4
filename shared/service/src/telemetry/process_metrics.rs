//! What a process tells of itself whatever it does: memory, CPU, open files and start time, and which instance it is.

use std::collections::HashMap;

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::{
    Resource,
    resource::{EnvResourceDetector, ResourceDetector},
};
use prometheus::Registry;

const INSTANCE: Key = Key::from_static_str("service.instance.id");

/// The registry of the process called `service`. Every series of its page has the label `service`, and `process_*` are among
/// them where the system has `/proc`.
pub(super) fn registry(service: &str) -> prometheus::Result<Registry> {
    let labels = HashMap::from([("service".to_owned(), service.to_owned())]);
    let registry = Registry::new_custom(None, Some(labels))?;
    #[cfg(target_os = "linux")]
    registry.register(Box::new(
        prometheus::process_collector::ProcessCollector::for_self(),
    ))?;
    Ok(registry)
}

/// The id of this run of the process, new at each start; none if `OTEL_RESOURCE_ATTRIBUTES` gives one.
pub(super) fn instance_id() -> Option<KeyValue> {
    let given = given_instance(&EnvResourceDetector::new().detect());
    (!given).then(|| {
        let random: [u8; 16] = galaxy_core::entropy::bytes(&mut galaxy_core::entropy::rng());
        let id = u128::from_be_bytes(random);
        KeyValue::new(INSTANCE, format!("{id:032x}"))
    })
}

fn given_instance(resource: &Resource) -> bool {
    resource.get(&INSTANCE).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_series_says_which_process_it_is_of() {
        let registry = registry("mailer").unwrap();
        let page = super::super::Telemetry::metrics_page(&registry);
        for name in [
            "process_resident_memory_bytes",
            "process_cpu_seconds_total",
            "process_open_fds",
            "process_max_fds",
            "process_start_time_seconds",
        ] {
            let line = format!("\n{name}{{service=\"mailer\"}} ");
            assert!(page.contains(&line), "{name} in {page}");
        }
    }

    #[test]
    fn an_instance_has_an_id_of_its_own_unless_one_is_given() {
        let (one, other) = (instance_id().unwrap(), instance_id().unwrap());
        assert_eq!(one.key, INSTANCE);
        assert_ne!(one.value, other.value);
        let of = |attribute: KeyValue| Resource::builder_empty().with_attribute(attribute).build();
        assert!(given_instance(&of(KeyValue::new(INSTANCE, "pod-7"))));
        assert!(!given_instance(&of(KeyValue::new("service.name", "api"))));
    }
}
