//! A tenant's history, a line each, for people.

use serde::Serialize;

/// Something that happened to a tenant. Never holds a secret value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What, in one CamelCase word for programs: `SignedUp`, `BucketCreated`, `Retrying`.
    pub reason: String,
    /// What, for people.
    pub message: String,
}

impl Event {
    /// An event.
    pub fn new(reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into() }
    }
}
