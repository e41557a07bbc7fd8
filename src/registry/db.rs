//! The seam between the registry and whatever runs its SQL: D1 in the Worker, SQLite everywhere else.

use futures_util::future::BoxFuture;
use serde_json::Value as Json;

/// One bound parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number of at most 2^53; D1 binds every number as a REAL, so anything larger would be rounded.
    Int(i64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One SQL statement with its numbered parameters (`?1`, `?2`, …).
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The text; one statement, no trailing semicolon.
    pub sql: &'static str,
    /// `args[0]` is `?1`. At most 100, D1's limit (developers.cloudflare.com/d1/platform/limits).
    pub args: Vec<Value>,
}

/// What one statement of a batch brought back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Rows as JSON objects, column name to value.
    pub rows: Vec<Json>,
    /// Rows inserted, updated or deleted, those by triggers included.
    pub changes: u64,
    /// Rows that the database had to read; 0 where the driver cannot tell (SQLite).
    pub rows_read: u64,
}

/// Why a batch was not carried out. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// A unique index refused; the text names `table.column`.
    #[error("unique constraint on {0}")]
    Unique(String),
    /// A guard statement said that its precondition does not hold, see the registry's statements; the text names the guard.
    #[error("precondition of the batch does not hold: {0}")]
    Guard(String),
    /// Anything else: the database is away, or the statement is wrong.
    #[error("database: {0}")]
    Other(String),
}

impl DbError {
    /// Reads the database's own words, which SQLite and D1 share.
    pub fn from_message(message: &str) -> Self {
        const UNIQUE: &str = "UNIQUE constraint failed: ";
        if let Some((_, rest)) = message.split_once(UNIQUE) {
            let columns = rest.split([':', '\n']).next().unwrap_or(rest);
            return Self::Unique(columns.trim().to_owned());
        }
        if let Some((_, rest)) = message.split_once("guard:") {
            let name = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default();
            return Self::Guard(name.to_owned());
        }
        Self::Other(message.lines().next().unwrap_or_default().to_owned())
    }
}

/// Runs SQL.
pub trait Db: Send + Sync {
    /// Runs `statements` in order as one transaction: all of them or none. One outcome per statement.
    /// An empty batch is answered with no outcome and without a call.
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>>;
}
