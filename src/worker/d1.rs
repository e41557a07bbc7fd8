//! SQL on D1.

use futures_util::future::BoxFuture;
use wasm_bindgen::JsValue;
use worker::send::SendFuture;
use worker::{D1Database, D1PreparedStatement, D1Result};

use super::error_text;
use crate::registry::db::{Db, DbError, Outcome, Statement, Value};

/// D1 binds at most this many parameters (developers.cloudflare.com/d1/platform/limits).
const MAX_ARGS: usize = 100;

/// Beyond it a JavaScript number, and so D1, no longer holds every whole number, and what is read back is no integer.
const MAX_INT: u64 = (1 << 53) - 1;

/// The database bound to the Worker.
pub struct D1(D1Database);

impl D1 {
    /// Runs SQL on `database`.
    pub fn new(database: D1Database) -> Self {
        Self(database)
    }

    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DbError> {
        let prepared = statements.into_iter().map(|statement| self.prepare(statement)).collect::<Result<_, _>>()?;
        self.0.batch(prepared).await.map_err(|error| db_error(&error))?.iter().map(outcome).collect()
    }

    fn prepare(&self, Statement { sql, args }: Statement) -> Result<D1PreparedStatement, DbError> {
        if args.len() > MAX_ARGS {
            return Err(DbError::Other(format!("{} parameters, D1 takes {MAX_ARGS} at most", args.len())));
        }
        let args = args.iter().map(bound).collect::<Result<Vec<_>, _>>()?;
        self.0.prepare(sql).bind(&args).map_err(|error| db_error(&error))
    }
}

impl Db for D1 {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        // D1 refuses an empty batch.
        if statements.is_empty() {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        Box::pin(SendFuture::new(self.run(statements)))
    }
}

/// D1 takes no BigInt, so every number goes as a double.
fn bound(value: &Value) -> Result<JsValue, DbError> {
    match value {
        Value::Null => Ok(JsValue::NULL),
        Value::Int(int) if int.unsigned_abs() > MAX_INT => {
            Err(DbError::Other(format!("{int} is too large for D1, which holds whole numbers below 2^53")))
        }
        Value::Int(int) => Ok(JsValue::from_f64(*int as f64)),
        Value::Text(text) => Ok(JsValue::from_str(text)),
    }
}

fn outcome(result: &D1Result) -> Result<Outcome, DbError> {
    let meta = result.meta().map_err(|error| db_error(&error))?;
    let (changes, rows_read) = meta.map_or((None, None), |meta| (meta.changes, meta.rows_read));
    Ok(Outcome {
        rows: result.results().map_err(|error| db_error(&error))?,
        changes: changes.unwrap_or_default() as u64,
        rows_read: rows_read.unwrap_or_default() as u64,
    })
}

fn db_error(error: &worker::Error) -> DbError {
    DbError::from_message(&error_text(error))
}
