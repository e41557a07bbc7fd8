//! Answers that are kept for repeated requests.

/// Forgets a key that was first used by ?3, so that it may be used again before its row is purged.
pub const FORGET_OLD_KEY: &str = "DELETE FROM idempotency WHERE scope = ?1 AND key_hash = ?2 AND created_at_ms <= ?3";

/// Keeps an answer. Fails on `idempotency.key_hash` when the key was used already.
pub const KEEP_ANSWER: &str = "INSERT INTO idempotency (scope, key_hash, created_at_ms, fingerprint, status, answer) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// The answer that a key got after ?3.
pub const KEPT_ANSWER: &str = "SELECT fingerprint, status, answer, created_at_ms FROM idempotency \
     WHERE scope = ?1 AND key_hash = ?2 AND created_at_ms > ?3";
