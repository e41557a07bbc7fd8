//! A tenant's own page, in each state of its life.

use paramita::pages::FieldError;
use paramita::pages::progress::Progress;
use paramita::pages::signup::Size;
use paramita::pages::tenant::{Events, May, Need, Preset, SecretLine, SecretState, SizeForm, TenantPage, TokenLine};
use paramita::registry::EventRow;
use paramita::tenant::{Ledger, Phase, Tenant};

use crate::samples::{at, signed_in, sizes};
use crate::states::{self, ADDRESS, NOW};

/// What the view borrows from.
pub struct Page<'a> {
    tenant: Tenant,
    ledger: Ledger,
    sizes: Vec<Size>,
    presets: Vec<Preset<'a>>,
    secrets: Vec<SecretLine<'a>>,
    events: Vec<EventRow>,
    tokens: Vec<TokenLine<'a>>,
    may: May,
    notice: Option<&'a str>,
    errors: Vec<FieldError<'a>>,
}

impl<'a> Page<'a> {
    /// That of a tenant in `phase`, with `hostile` wherever text comes from outside.
    pub fn of(phase: Phase, hostile: Option<&'a str>) -> Self {
        let (mut tenant, ledger) = match phase {
            Phase::Pending | Phase::Updating => states::half_made(),
            Phase::Ready => states::ready(),
            Phase::Failed => states::failed(),
            Phase::Suspended => states::suspended(),
            Phase::Deleting => states::deleting(),
            Phase::Deleted => states::deleted(),
        };
        for condition in tenant.conditions.iter_mut().filter(|_| hostile.is_some()) {
            condition.message = hostile.unwrap_or_default().to_owned();
        }
        Self {
            tenant,
            ledger,
            sizes: sizes(),
            presets: vec![
                Preset { value: "light", words: hostile.unwrap_or("Light: 8 hours a day, 10 % CPU") },
                Preset { value: "normal", words: "Normal: around the clock, 20 % CPU" },
            ],
            secrets: secrets(phase),
            events: events(hostile),
            tokens: vec![TokenLine {
                id: "tok_8h2k4m6n",
                scopes: hostile.unwrap_or("read, write, secrets"),
                created_at: at(40, 0),
                expires_at: Some(at(-50, 0)),
                last_used_at: Some(at(0, 2)),
                is_this_one: true,
            }],
            may: May { write: true, secrets: true },
            notice: (phase == Phase::Suspended).then(|| hostile.unwrap_or("alice stands still now.")),
            errors: Vec::new(),
        }
    }

    /// Seen by somebody whose token may only read.
    pub fn read_only(mut self) -> Self {
        self.may = May { write: false, secrets: false };
        self
    }

    /// A form came back; with a second token beside.
    pub fn with_errors(mut self, errors: &[FieldError<'a>]) -> Self {
        self.errors = errors.to_vec();
        let (expires_at, last_used_at) = (None, None);
        self.tokens.extend(self.tokens.first().copied().map(|first| TokenLine {
            id: "tok_2b9x7c5v",
            expires_at,
            last_used_at,
            is_this_one: false,
            ..first
        }));
        self
    }

    /// The view.
    pub fn view(&self) -> TenantPage<'_> {
        TenantPage {
            frame: signed_in(),
            progress: Progress {
                tenant: &self.tenant,
                ledger: &self.ledger,
                address: Some(ADDRESS),
                mark: "1.2",
                now: NOW,
            },
            monthly: "$30.38",
            monthly_running: "$30.38",
            size: SizeForm {
                sizes: &self.sizes,
                instance_type: self.tenant.spec.instance_type,
                sleep_after: self.tenant.spec.sleep_after.clone(),
                presets: &self.presets,
            },
            secrets: &self.secrets,
            events: Events { rows: &self.events, older: Some("/tenants/alice?before=12#events") },
            tokens: &self.tokens,
            may: self.may,
            notice: self.notice,
            errors: &self.errors,
        }
    }
}

fn secrets<'a>(phase: Phase) -> Vec<SecretLine<'a>> {
    let line = |name, need, state| {
        let is_set = state != SecretState::Missing;
        SecretLine { name, need, state, version: i64::from(is_set), updated_at: is_set.then(|| at(3, 0)) }
    };
    let access = if phase == Phase::Suspended { SecretState::Live } else { SecretState::Missing };
    vec![
        line("CF_ACCESS_AUD", Need::Required, access),
        line("ANTHROPIC_API_KEY", Need::Required, SecretState::Live),
        line("CF_ACCESS_TEAM_DOMAIN", Need::Required, SecretState::Lost),
        line("CLAWDBOT_GATEWAY_TOKEN", Need::Generated, SecretState::Live),
        line("TELEGRAM_BOT_TOKEN", Need::Optional, SecretState::Pending),
        line("DISCORD_BOT_TOKEN", Need::Optional, SecretState::Missing),
        line("R2_ACCESS_KEY_ID", Need::Optional, SecretState::Missing),
        line("R2_SECRET_ACCESS_KEY", Need::Optional, SecretState::Missing),
        line("CF_ACCOUNT_ID", Need::Optional, SecretState::Missing),
        line("MY_OWN", Need::Extra, SecretState::Removing),
    ]
}

fn events(hostile: Option<&str>) -> Vec<EventRow> {
    let said = [
        "everything is as asked for",
        "secrets pushed: ANTHROPIC_API_KEY, TELEGRAM_BOT_TOKEN",
        "size standard-1 becomes standard-2; asked for by the tenant",
        "bucket moltbot-data-alice is made",
        "signed up",
    ];
    let row = |(index, message): (i64, &str)| EventRow {
        id: 20 - index,
        at_ms: at(index * index, 3),
        generation: 3,
        reason: "Converged".to_owned(),
        message: hostile.unwrap_or(message).to_owned(),
    };
    (0..).zip(said).map(row).collect()
}
