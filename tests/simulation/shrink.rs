//! A failing list made short: ever smaller pieces are left out as long as the run still fails.

use crate::op::Op;

/// Leaves out whatever the failure does not need. `fails` runs a list.
pub fn shrink(ops: &[Op], fails: impl Fn(&[Op]) -> bool) -> Vec<Op> {
    let mut ops = ops.to_vec();
    let mut piece = ops.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < ops.len() {
            let end = (at + piece).min(ops.len());
            let without: Vec<Op> = ops[..at].iter().chain(&ops[end..]).copied().collect();
            if fails(&without) {
                ops = without;
            } else {
                at = end;
            }
        }
        piece /= 2;
    }
    ops
}
