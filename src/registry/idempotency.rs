//! Answers that are kept for repeated requests.
//!
//! An answer is written in the batch of what the request does: with a key, either all of it is there or nothing. So of
//! any number at once one does it, the others get [`Error::KeyUsed`] and read what that one was answered; and of a request
//! that was cut off nothing is left that a repetition could stumble over.

use super::db::Statement;
use super::{Error, Registry, row, sql, statement};
use crate::clock::{DAY_MS, Timestamp};
use crate::vault::SealedAnswer;

/// So long a key stands for its request; after that it may be used for another.
pub const KEEP_ANSWERS_MS: i64 = DAY_MS;

/// The answer to a request that came with an `Idempotency-Key`.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    /// Who asks: keys of two callers have nothing to do with each other.
    pub scope: &'a str,
    /// SHA-256 of the key, in hexadecimal digits.
    pub key_hash: &'a str,
    /// Of the request: what must be the same for the key to stand for it.
    pub fingerprint: &'a str,
    /// Status of the answer.
    pub status: u16,
    /// The answer.
    pub answer: &'a SealedAnswer,
}

/// An answer that was given before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Of the request that it was given to.
    pub fingerprint: String,
    /// Its status.
    pub status: u16,
    /// The answer.
    pub answer: SealedAnswer,
    /// When it was given.
    pub created_at: Timestamp,
}

impl Registry {
    /// What a key was answered; `None` when it was not used for [`KEEP_ANSWERS_MS`].
    pub async fn kept_answer(&self, scope: &str, key_hash: &str, now: Timestamp) -> Result<Option<KeptAnswer>, Error> {
        let args = [scope.into(), key_hash.into(), (now.0 - KEEP_ANSWERS_MS).into()];
        let read = |row: &mut row::Row| {
            Ok(KeptAnswer {
                fingerprint: row.get("fingerprint")?,
                status: row.get("status")?,
                answer: SealedAnswer(row.get("answer")?),
                created_at: row.get("created_at_ms")?,
            })
        };
        Ok(row::rows(self.one(sql::idempotency::KEPT_ANSWER, args).await?, "idempotency", read)?.pop())
    }

    /// Keeps the answer to a request that changed nothing. [`Error::KeyUsed`] when the key stands for a request already.
    pub async fn keep_answer(&self, answer: &NewAnswer<'_>, now: Timestamp) -> Result<(), Error> {
        self.db.batch(keep(Some(answer), now)).await?;
        Ok(())
    }
}

/// What keeps an answer. It comes first in its batch: that a key was used is said before anything else that is in the way,
/// for what is in the way may be what the same request did before.
pub(super) fn keep(answer: Option<&NewAnswer<'_>>, now: Timestamp) -> Vec<Statement> {
    let Some(NewAnswer { scope, key_hash, fingerprint, status, answer }) = answer else { return Vec::new() };
    let forget = [(*scope).into(), (*key_hash).into(), (now.0 - KEEP_ANSWERS_MS).into()];
    let keep = [
        (*scope).into(),
        (*key_hash).into(),
        now.0.into(),
        (*fingerprint).into(),
        i64::from(*status).into(),
        answer.0.as_str().into(),
    ];
    vec![statement(sql::idempotency::FORGET_OLD_KEY, forget), statement(sql::idempotency::KEEP_ANSWER, keep)]
}
