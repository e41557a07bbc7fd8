//! What an operator makes of the fleet in numbers: whether all is well, what it costs, what is left. Pure.

use crate::capacity::{Account, PerTenant, Standing};
use crate::clock::Timestamp;
use crate::cost::{FleetBill, Money, Preset, Usage};
use crate::reconcile::TRY_AGAIN;
use crate::reconcile::budget::Budget;
use crate::registry::FleetRow;
use crate::registry::fleet::Overview;
use crate::registry::sign_ups::load;
use crate::tenant::{InstanceType, Phase, Tenant};

/// The cron trigger fires every minute. This much without a sweep is no delay any more.
const SWEEP_LATE_MS: i64 = 5 * 60 * 1_000;

/// A round that waits for so long waits for something else than its turn.
const DUE_LATE_MS: i64 = 5 * 60 * 1_000;

/// Percents of a limit from which on somebody should ask Cloudflare for more.
const NEARLY_FULL: u64 = 90;

/// What the plane knows of itself.
#[derive(Clone, Debug)]
pub struct State {
    /// What is not well, a sentence each, worst first; empty: all is well.
    pub troubles: Vec<String>,
    /// Tenants that are not deleted.
    pub tenants: u64,
    /// Calls to Cloudflare that could be made at once.
    pub calls_left: u32,
    /// How much of the account's limits is taken.
    pub limits: Vec<Standing>,
    /// What it costs.
    pub cost: Cost,
}

/// What all tenants cost a month, those that run awake around the clock with light use: the most that it is likely to be.
/// What stands still costs nothing but storage.
#[derive(Clone, Debug)]
pub struct Cost {
    /// By size, smallest first, before the allowance; sizes that nobody has are left out.
    pub by_size: Vec<SizeCost>,
    /// What of it the plan includes.
    pub included: Money,
    /// The Workers Paid plan itself.
    pub plan: Money,
    /// What is paid.
    pub total: Money,
}

/// What the tenants of a size cost.
#[derive(Clone, Copy, Debug)]
pub struct SizeCost {
    /// Which.
    pub instance_type: InstanceType,
    /// Tenants of it, those that stand still among them.
    pub tenants: u64,
    /// Instances that may run at once.
    pub instances: u32,
    /// A month of them.
    pub monthly: Money,
}

impl State {
    /// What `overview` says at `now`.
    pub fn of(overview: &Overview, budget: Budget, account: &Account, now: Timestamp) -> Self {
        let none = PerTenant { cron_triggers: 0, durable_object_classes: 0 };
        let each = overview.default_release.as_ref().map_or(none, |release| PerTenant::of(&release.manifest));
        let limits = account.standing(&load(&overview.fleet), each);
        Self {
            troubles: troubles(overview, &limits, now),
            tenants: overview.fleet.iter().map(|row| u64::from(row.tenants)).sum(),
            calls_left: calls_left(overview, budget, now),
            limits: limits.to_vec(),
            cost: Cost::of(&overview.fleet),
        }
    }
}

impl Cost {
    /// Of tenants that are so many.
    pub fn of(fleet: &[FleetRow]) -> Self {
        let mut by_size = Vec::new();
        let usage = |size, instances| Usage::around_the_clock(size, instances, Preset::Light.cpu_percent());
        for instance_type in InstanceType::ALL {
            let of_size = || fleet.iter().filter(|row| row.instance_type == instance_type);
            let tenants: u64 = of_size().map(|row| u64::from(row.tenants)).sum();
            let instances =
                of_size().filter(|row| runs(row.phase)).fold(0, |sum: u32, row| sum.saturating_add(row.instances));
            if tenants > 0 {
                let monthly = usage(instance_type, instances).estimate().next_tenant.total;
                by_size.push(SizeCost { instance_type, tenants, instances, monthly });
            }
        }
        let bill = FleetBill::of(by_size.iter().map(|size| (usage(size.instance_type, size.instances), 1)));
        let listed: Money = by_size.iter().map(|size| size.monthly).sum();
        Self { included: listed - bill.tenants.total, plan: bill.plan, total: bill.total, by_size }
    }
}

/// Whether tenants of this phase have containers that are billed, or will have them in a moment.
fn runs(phase: Phase) -> bool {
    !matches!(phase, Phase::Suspended | Phase::Deleting | Phase::Deleted)
}

/// Calls that could be made at once; none while Cloudflare blocks them.
fn calls_left(overview: &Overview, budget: Budget, now: Timestamp) -> u32 {
    let standing = overview.budget;
    if standing.blocked_until > now { 0 } else { budget.calls_left(standing.booked_until.0, now.0) }
}

/// How many tenants of a phase there are.
pub fn count(fleet: &[FleetRow], phase: Phase) -> u64 {
    fleet.iter().filter(|row| row.phase == phase).map(|row| u64::from(row.tenants)).sum()
}

/// Since when a tenant needs somebody, and why: the condition `kind`, which says so, without what it tells callers of the
/// API to send.
pub fn why<'a>(tenant: &'a Tenant, kind: &str) -> (Timestamp, &'a str) {
    let wrong = || tenant.conditions.iter().filter(|condition| condition.is_wrong());
    match wrong().find(|condition| condition.kind == kind).or_else(|| wrong().next()) {
        Some(condition) => {
            let said = condition.message.split(TRY_AGAIN).next().unwrap_or_default();
            (condition.last_transition_time, said.trim_end())
        }
        None => (tenant.wanted_since, ""),
    }
}

fn troubles(overview: &Overview, limits: &[Standing], now: Timestamp) -> Vec<String> {
    let mut troubles = Vec::new();
    let is_before = |at: Timestamp, ms: i64| at.plus_ms(ms) <= now;
    let last = overview.jobs.iter().map(|job| job.started_at).max();
    match last {
        Some(at) if is_before(at, SWEEP_LATE_MS) => {
            troubles.push(format!("No sweep has begun since {}: does the cron trigger still fire?", minute(at)));
        }
        None if !overview.fleet.is_empty() => {
            troubles.push("No sweep has ever run: is there a cron trigger?".to_owned());
        }
        _ => {}
    }
    if overview.budget.blocked_until > now {
        troubles.push(format!("Cloudflare takes no calls until {}.", minute(overview.budget.blocked_until)));
    }
    let failed = count(&overview.fleet, Phase::Failed);
    if failed > 0 {
        troubles.push(format!("{} {} failed.", grouped(failed), have(failed)));
    }
    for (named, what) in [
        (&overview.overdue, "on the way for longer than they should be"),
        (&overview.lack_secrets, "without secrets that only their owners can set"),
    ] {
        let count = named.tenants.len();
        if count > 0 {
            let more = if named.has_more { "More than " } else { "" };
            troubles.push(format!("{more}{count} {} {what}.", if count == 1 { "tenant is" } else { "tenants are" }));
        }
    }
    for job in overview.jobs.iter().filter(|job| job.outcome.as_deref() == Some("failed")) {
        let error = job.error.as_deref().unwrap_or("its report does not say why");
        troubles.push(format!("The sweep {} went wrong: {error}.", job.name));
    }
    let backlog = &overview.backlog;
    if backlog.vanished > 0 {
        let vanished = u64::from(backlog.vanished);
        troubles.push(format!(
            "{vanished} {} never ended; the sweep takes them up.",
            if vanished == 1 { "round" } else { "rounds" }
        ));
    }
    if let Some(at) = backlog.oldest_due.filter(|at| is_before(*at, DUE_LATE_MS)) {
        troubles.push(format!("A tenant waits for its round since {}.", minute(at)));
    }
    for limit in limits.iter().filter(|limit| limit.used.saturating_mul(100) >= limit.of.saturating_mul(NEARLY_FULL)) {
        troubles.push(format!("{} of {} {} are taken.", grouped(limit.used), grouped(limit.of), limit.limit.unit()));
    }
    troubles
}

/// A time as people write it, to the minute.
fn minute(at: Timestamp) -> String {
    let exact = at.to_string();
    let part = |range: std::ops::Range<usize>| exact.get(range).unwrap_or_default();
    format!("{} {} UTC", part(0..10), part(11..16))
}

fn have(count: u64) -> &'static str {
    if count == 1 { "tenant has" } else { "tenants have" }
}

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(phase: Phase, instance_type: InstanceType, tenants: u32, instances: u32) -> FleetRow {
        FleetRow { phase, instance_type, tenants, instances }
    }

    #[test]
    fn what_stands_still_costs_nothing_and_the_parts_make_the_total() {
        use InstanceType::{Standard1, Standard2};
        let cost = Cost::of(&[
            row(Phase::Ready, Standard1, 3, 3),
            row(Phase::Suspended, Standard1, 2, 2),
            row(Phase::Deleting, Standard2, 1, 1),
        ]);
        // Three light tenants, as in `cost::fleet`.
        assert_eq!(cost.total.exact(), "103.02804");
        let sizes: Vec<_> =
            cost.by_size.iter().map(|size| (size.instance_type, size.tenants, size.instances)).collect();
        assert_eq!(sizes, [(Standard1, 5, 3), (Standard2, 1, 0)]);
        assert_eq!(cost.by_size[1].monthly, Money::ZERO);
        let listed: Money = cost.by_size.iter().map(|size| size.monthly).sum();
        assert_eq!(listed - cost.included + cost.plan, cost.total);
    }

    #[test]
    fn thousands_stand_apart() {
        let numbers = [0, 7, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn nobody_costs_the_plan() {
        let cost = Cost::of(&[]);
        assert_eq!((cost.by_size.len(), cost.total), (0, cost.plan));
    }
}
