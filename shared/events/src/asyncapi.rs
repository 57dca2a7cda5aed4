//! The document of all events (AsyncAPI 3.0), generated from the catalogue. `proto/asyncapi.yaml` is its
//! committed form.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::catalogue::{referenced_schemas, schemas};

/// The document as YAML; the same bytes for the same catalogue.
pub fn yaml() -> Result<String, serde_norway::Error> {
    serde_norway::to_string(&document())
}

#[derive(Serialize)]
struct Document {
    asyncapi: &'static str,
    info: Info,
    #[serde(rename = "defaultContentType")]
    default_content_type: &'static str,
    channels: BTreeMap<String, Channel>,
    operations: BTreeMap<String, Operation>,
    components: Components,
}

#[derive(Serialize)]
struct Info {
    title: &'static str,
    version: &'static str,
    description: &'static str,
    license: License,
}

#[derive(Serialize)]
struct License {
    name: &'static str,
}

/// A subject of the stream.
#[derive(Serialize)]
struct Channel {
    address: &'static str,
    messages: BTreeMap<&'static str, Reference>,
}

#[derive(Serialize)]
struct Operation {
    action: &'static str,
    channel: Reference,
}

#[derive(Serialize)]
struct Components {
    messages: BTreeMap<&'static str, Message>,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

#[derive(Serialize)]
struct Message {
    name: &'static str,
    headers: Reference,
    payload: RefOr<Schema>,
}

#[derive(Serialize)]
struct Reference {
    #[serde(rename = "$ref")]
    to: String,
}

fn reference(to: String) -> Reference {
    Reference { to }
}

fn document() -> Document {
    let mut channels: BTreeMap<String, Channel> = BTreeMap::new();
    let mut operations = BTreeMap::new();
    let mut messages = BTreeMap::new();
    for (event_type, subject, payload) in schemas() {
        let name = subject.trim_start_matches("galaxy.events.").to_owned();
        let message = reference(format!("#/components/messages/{event_type}"));
        let channel = channels.entry(name.clone()).or_insert_with(|| Channel {
            address: subject,
            messages: BTreeMap::new(),
        });
        channel.messages.insert(event_type, message);
        let channel = reference(format!("#/channels/{name}"));
        operations.insert(
            format!("publish.{name}"),
            Operation {
                action: "send",
                channel,
            },
        );
        let headers = reference("#/components/schemas/CloudEvent".to_owned());
        messages.insert(
            event_type,
            Message {
                name: event_type,
                headers,
                payload,
            },
        );
    }
    let mut schemas: BTreeMap<_, _> = referenced_schemas().into_iter().collect();
    schemas.insert("CloudEvent".to_owned(), headers().into());
    Document {
        asyncapi: "3.0.0",
        info: Info {
            title: "Galaxy events",
            version: env!("CARGO_PKG_VERSION"),
            description: "Facts that were committed, on the JetStream stream GALAXY_EVENTS: CloudEvents 1.0 in binary \
                          mode over NATS. Delivered at least once and in no order; events about one game carry its \
                          version, and older ones than already seen are ignored. A consumer ignores fields it does not \
                          know and acknowledges types it does not need.",
            license: License { name: "Apache-2.0" },
        },
        default_content_type: "application/json",
        channels,
        operations,
        components: Components { messages, schemas },
    }
}

/// The headers of every event.
fn headers() -> Schema {
    let texts = [
        ("ce-specversion", "Always 1.0."),
        (
            "ce-id",
            "The event's id (UUIDv7): the same at each delivery, to recognise a repetition.",
        ),
        ("ce-type", "galaxy.<domain>.<name>.v<version>"),
        ("ce-source", "Always galaxy."),
        ("ce-subject", "The id of what the event is about."),
        ("ce-time", "When the fact was committed (RFC 3339)."),
        (
            "traceparent",
            "The trace that the event belongs to (W3C Trace Context).",
        ),
        (
            "Nats-Msg-Id",
            "The event's id, from which the stream recognises a repetition.",
        ),
    ];
    let object = texts
        .into_iter()
        .fold(ObjectBuilder::new(), |object, (name, meaning)| {
            let text = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(meaning));
            object.property(name, text)
        });
    let always = ["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-time"];
    always
        .into_iter()
        .fold(object, ObjectBuilder::required)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_channel_and_every_reference_leads_somewhere() {
        let text = yaml().unwrap();
        let document: serde_json::Value = serde_norway::from_str(&text).unwrap();
        let count = |path: &str| document.pointer(path).unwrap().as_object().unwrap().len();
        assert_eq!(count("/components/messages"), schemas().len());
        assert_eq!(count("/operations"), count("/channels"));
        let references = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("$ref: "));
        for target in references {
            let pointer = target.trim_matches(['\'', '"']).trim_start_matches('#');
            assert!(
                document.pointer(pointer).is_some(),
                "{target} leads nowhere"
            );
        }
        assert_eq!(text, yaml().unwrap());
    }
}
