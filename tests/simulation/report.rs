//! What happened over all runs, in numbers.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by group and name, and the most that was seen of something.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<&'static str, BTreeMap<String, u64>>,
    most: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub fn count(&mut self, group: &'static str, name: &str) {
        self.add(group, name, 1);
    }

    pub fn add(&mut self, group: &'static str, name: &str, times: u64) {
        let names = self.counts.entry(group).or_default();
        match names.get_mut(name) {
            Some(count) => *count += times,
            None => drop(names.insert(name.to_owned(), times)),
        }
    }

    pub fn at_most(&mut self, what: &'static str, seen: u64) {
        let most = self.most.entry(what).or_default();
        *most = seen.max(*most);
    }

    pub fn merge(&mut self, other: Self) {
        for (group, names) in other.counts {
            names.iter().for_each(|(name, times)| self.add(group, name, *times));
        }
        other.most.into_iter().for_each(|(what, seen)| self.at_most(what, seen));
    }

    /// How often anything of a group was counted.
    pub fn total(&self, group: &str) -> u64 {
        self.counts.get(group).map_or(0, |names| names.values().sum())
    }

    pub fn of(&self, group: &str, name: &str) -> u64 {
        self.counts.get(group).and_then(|names| names.get(name)).copied().unwrap_or(0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (group, names) in &self.counts {
            writeln!(f, "{group}: {}", self.total(group))?;
            for (name, times) in names {
                writeln!(f, "  {name:<28} {times:>12}")?;
            }
        }
        self.most.iter().try_for_each(|(what, seen)| writeln!(f, "most {what}: {seen}"))
    }
}
