//! Runs that once went wrong, as the simulation printed them.

use std::sync::Arc;

use crate::many::database;
use crate::op::Op;
use crate::plane::Releases;
use crate::run::run;

#[track_caller]
fn replay(seed: u64, ops: &[Op]) {
    if let Err(failure) = run(seed, ops, database(), &Arc::new(Releases::new()), false) {
        panic!("after operation {}: {}", failure.after, failure.what);
    }
}
