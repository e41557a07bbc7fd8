//! Conditions: what holds for a tenant right now, one line per question, as in Kubernetes.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "ConditionStatus"))]
pub enum Status {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody knows yet.
    Unknown,
}

/// The answer to one question about a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The question: `Ready`, `SecretsReady`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The answer.
    pub status: Status,
    /// Why, in one CamelCase word for programs.
    pub reason: String,
    /// Why, for people; when something is wrong it names the resource and the next thing to do.
    pub message: String,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
}

impl Condition {
    /// Whether it does not say what it should: that something is stalled should not hold, all else should.
    pub fn is_wrong(&self) -> bool {
        (self.status == Status::True) == (self.kind == "Stalled")
    }
}

/// Puts an answer into `conditions`, replacing the former one to the same question. The transition time moves only
/// when the status does.
pub fn set(
    conditions: &mut Vec<Condition>,
    now: Timestamp,
    kind: &str,
    status: Status,
    reason: &str,
    message: impl Into<String>,
) {
    let since = match conditions.iter().find(|condition| condition.kind == kind) {
        Some(former) if former.status == status => former.last_transition_time,
        _ => now,
    };
    let answer = Condition {
        kind: kind.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.into(),
        last_transition_time: since,
    };
    match conditions.iter_mut().find(|condition| condition.kind == kind) {
        Some(slot) => *slot = answer,
        None => conditions.push(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = Vec::new();
        set(&mut conditions, Timestamp(1), "Ready", Status::False, "Provisioning", "");
        set(&mut conditions, Timestamp(2), "Ready", Status::False, "Retrying", "");
        assert_eq!(conditions[0].last_transition_time, Timestamp(1));
        assert_eq!(conditions[0].reason, "Retrying");
        set(&mut conditions, Timestamp(3), "Ready", Status::True, "Converged", "");
        assert_eq!(conditions.len(), 1);
        assert_eq!(conditions[0].last_transition_time, Timestamp(3));
    }
}
