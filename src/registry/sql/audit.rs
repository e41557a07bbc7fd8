//! The audit log.

/// The newest line.
pub const NEWEST: &str = "SELECT seq, entry, hash FROM audit ORDER BY seq DESC LIMIT 1";

/// A new line. Its number is taken if somebody else was quicker.
pub const INSERT: &str = "INSERT INTO audit (seq, entry, hash) VALUES (?1, ?2, ?3)";

/// Lines after ?1, oldest first.
pub const AFTER: &str = "SELECT seq, entry, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// Lines before ?1, newest first.
pub const BEFORE: &str = "SELECT seq, entry, hash FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2";

/// The same of an actor (?3).
pub const BEFORE_OF_ACTOR: &str =
    "SELECT seq, entry, hash FROM audit WHERE actor = ?3 AND seq < ?1 ORDER BY seq DESC LIMIT ?2";

/// The same about a target (?3).
pub const BEFORE_OF_TARGET: &str =
    "SELECT seq, entry, hash FROM audit WHERE target = ?3 AND seq < ?1 ORDER BY seq DESC LIMIT ?2";
