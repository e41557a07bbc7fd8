//! What was tried, for people.

use std::fmt::Write as _;

use super::plan::Plan;
use super::trouble::{Call, Trouble};

/// A plan's part of the table: a line for each call, and for each trouble how many cases were struck by it.
pub fn part(plan: &Plan, calls: &[Call], struck: impl Fn(usize, Trouble) -> usize) -> String {
    let mut text = format!("{}\n", plan.name);
    for (nth, call) in calls.iter().enumerate() {
        write!(text, "  {:>2} {:<24}", nth + 1, call.kind).unwrap();
        for (trouble, _) in Trouble::ALL {
            match struck(nth, trouble) {
                0 => text.push_str("   ."),
                cases => write!(text, "{cases:>4}").unwrap(),
            }
        }
        text.push('\n');
    }
    text
}

/// What the columns mean.
pub fn head() -> String {
    let mut text = "every plan, every call, every trouble (a dot: it cannot strike there)\n".to_owned();
    for (column, (_, word)) in Trouble::ALL.iter().enumerate() {
        writeln!(text, "  {:>width$} {word}", "|", width = 29 + 4 * column).unwrap();
    }
    text
}
