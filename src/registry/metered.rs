//! Counts what one errand asks of the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_util::future::BoxFuture;

use super::Registry;
use super::db::{Db, DbError, Outcome, Statement};

/// What was asked so far.
#[derive(Debug, Default)]
pub struct Meter {
    calls: AtomicU64,
    rows_read: AtomicU64,
}

impl Meter {
    /// Round trips.
    pub fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    /// Rows that the database had to read, which is what D1 bills; 0 where it cannot tell.
    pub fn rows_read(&self) -> u64 {
        self.rows_read.load(Relaxed)
    }
}

struct Metered {
    db: Arc<dyn Db>,
    meter: Arc<Meter>,
}

impl Db for Metered {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        self.meter.calls.fetch_add(u64::from(!statements.is_empty()), Relaxed);
        Box::pin(async {
            let outcomes = self.db.batch(statements).await?;
            self.meter.rows_read.fetch_add(outcomes.iter().map(|outcome| outcome.rows_read).sum(), Relaxed);
            Ok(outcomes)
        })
    }
}

impl Registry {
    /// This registry, and a meter of what is asked of it from here on.
    pub fn metered(&self) -> (Self, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        (Self::new(Arc::new(Metered { db: self.db.clone(), meter: meter.clone() })), meter)
    }
}
