//! The audit log: who did what to whom, from where, and what became of it, each line chained to the one before.
//!
//! What must hold: a line is written in the batch of what it tells of, all or nothing, so that there is no act without a line
//! and no line without an act ([`crate::registry::audit`]). A line never changes and never goes. Its hash is of the hash of
//! the line before it and of its own text, so that whoever changes, removes or slips in a line has to make every later one
//! anew; then the newest hash is no longer the one that the log of the plane, an export or anybody's notes have.

use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::hex::hex;

/// The hash before the first line.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an operator does.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Who: an e-mail address, or the client id of a service token.
    pub actor: String,
    /// What: `tenant.suspend`.
    pub act: &'static str,
    /// To whom: a tenant's name, an invite's id.
    pub target: String,
    /// The tenant's id, since names are given again.
    pub tenant_id: Option<String>,
    /// From which address.
    pub from: String,
    /// In which request.
    pub request_id: String,
    /// What it was before; null: it was not there.
    pub before: Json,
    /// What it is from now on; null: it is gone.
    pub after: Json,
}

/// A line as it is exported and hashed: one JSON object, its members in this order, without spaces.
#[derive(Serialize)]
struct Entry<'a> {
    seq: i64,
    at: String,
    actor: &'a str,
    act: &'a str,
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    from: &'a str,
    request_id: &'a str,
    before: &'a Json,
    after: &'a Json,
}

impl Act {
    /// The act as line `seq`.
    pub fn entry(&self, seq: i64, at: Timestamp) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Entry {
            seq,
            at: at.to_string(),
            actor: &self.actor,
            act: self.act,
            target: &self.target,
            tenant_id: self.tenant_id.as_deref(),
            from: &self.from,
            request_id: &self.request_id,
            before: &self.before,
            after: &self.after,
        })
    }
}

/// A line as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number; the first is 1.
    pub seq: i64,
    /// What it says.
    pub entry: String,
    /// Of the hash before it, a line feed, and the entry.
    pub hash: String,
}

/// The hash of a line that says `entry`, after a line with the hash `former`.
pub fn hash(former: &str, entry: &str) -> String {
    let mut digest = Sha256::new();
    for part in [former, "\n", entry] {
        digest.update(part.as_bytes());
    }
    hex(&digest.finalize())
}

/// What is wrong with the chain, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Lines that were there are gone.
    #[error("line {0} is missing")]
    Missing(i64),
    /// The line, or the one before it, is not what was written.
    #[error("line {0} was changed, or the hash of the line before it")]
    Changed(i64),
}

impl Broken {
    /// The line's number.
    pub fn seq(&self) -> i64 {
        match self {
            Self::Missing(seq) | Self::Changed(seq) => *seq,
        }
    }
}

/// How far a chain holds: the last line that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its number; 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

impl Default for Checked {
    fn default() -> Self {
        Self { seq: 0, hash: BEGINNING.to_owned() }
    }
}

impl Checked {
    /// Goes on with `lines`, in order.
    pub fn then(self, lines: &[Line]) -> Result<Self, Broken> {
        let mut checked = self;
        for line in lines {
            let expected = checked.seq + 1;
            if line.seq != expected {
                return Err(Broken::Missing(expected));
            }
            // The number is part of what is hashed, so that lines cannot be counted anew either.
            let counted = serde_json::from_str::<Numbered>(&line.entry).is_ok_and(|entry| entry.seq == line.seq);
            if !counted || line.hash != hash(&checked.hash, &line.entry) {
                return Err(Broken::Changed(line.seq));
            }
            checked = Self { seq: line.seq, hash: line.hash.clone() };
        }
        Ok(checked)
    }
}

#[derive(serde::Deserialize)]
struct Numbered {
    seq: i64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn chain(length: i64) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut former = BEGINNING.to_owned();
        for seq in 1..=length {
            let act = Act {
                actor: "ada@example.com".to_owned(),
                act: "tenant.suspend",
                target: format!("tenant-{seq}"),
                tenant_id: None,
                from: "192.0.2.1".to_owned(),
                request_id: "req_1".to_owned(),
                before: Json::Null,
                after: json!({"n": seq}),
            };
            let entry = act.entry(seq, Timestamp(seq)).unwrap();
            let hash = hash(&former, &entry);
            former.clone_from(&hash);
            lines.push(Line { seq, entry, hash });
        }
        lines
    }

    #[test]
    fn a_chain_that_nobody_touched_holds_in_one_piece_and_in_several() {
        let lines = chain(5);
        let whole = Checked::default().then(&lines).unwrap();
        let halves = Checked::default().then(&lines[..2]).unwrap().then(&lines[2..]).unwrap();
        assert_eq!((whole.seq, &whole), (5, &halves));
        assert_eq!(Checked::default().then(&[]), Ok(Checked::default()));
    }

    #[test]
    fn a_line_has_its_members_in_order() {
        assert_eq!(
            chain(1)[0].entry,
            "{\"seq\":1,\"at\":\"1970-01-01T00:00:00.001Z\",\"actor\":\"ada@example.com\",\"act\":\"tenant.suspend\",\
             \"target\":\"tenant-1\",\"from\":\"192.0.2.1\",\"request_id\":\"req_1\",\"before\":null,\"after\":{\"n\":1}}"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_done_to_a_line_shows_at_that_line(at in 0usize..5, how in 0u8..5, byte in 0usize..60) {
            let mut lines = chain(5);
            let seq = lines[at].seq;
            let expected = match how {
                0 => {
                    let entry = lines[at].entry.clone().into_bytes();
                    let changed: Vec<u8> = entry.iter().enumerate().map(|(n, b)| if n == byte { b ^ 1 } else { *b }).collect();
                    lines[at].entry = String::from_utf8(changed).unwrap();
                    Broken::Changed(seq)
                }
                1 => {
                    lines[at].hash = hash("another", &lines[at].entry);
                    Broken::Changed(seq)
                }
                // Removed; the last one leaves no gap.
                2 if at < 4 => {
                    lines.remove(at);
                    Broken::Missing(seq)
                }
                // Removed, and the others counted anew.
                3 if at < 4 => {
                    lines.remove(at);
                    for (line, seq) in lines.iter_mut().zip(1..) { line.seq = seq; }
                    Broken::Changed(seq)
                }
                _ => {
                    let double = Line { seq, ..lines[at].clone() };
                    lines.insert(at, double);
                    Broken::Missing(seq + 1)
                }
            };
            prop_assert_eq!(Checked::default().then(&lines), Err(expected));
        }
    }
}
