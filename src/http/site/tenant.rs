//! `GET /tenants/{name}`, `GET …/progress`.

use http::StatusCode;

use super::session::Session;
use super::{address_of, page};
use crate::app::App;
use crate::cost::{Activity, HoursPerDay, Preset, Usage};
use crate::http::api::change::{ledger_of, release_of};
use crate::http::api::secret_values::is_set;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::http::view::{names_of, usage};
use crate::pages::FieldError;
use crate::pages::progress::{Progress, fragment};
use crate::pages::signup::Size;
use crate::pages::tenant::{self as view, Events, May, Need, SecretLine, SecretState, SizeForm, TenantPage, TokenLine};
use crate::registry::{Token, TokenState};
use crate::release::manifest::Profile;
use crate::tenant::{InstanceType, Ledger, Resource, Tenant};
use crate::vault::secret::Wanted;
use crate::vault::{Scope, Secret};

/// Lines of history on a page.
const EVENTS: usize = 20;

/// What a page says was just done: the word in the address that a form's answer leads to, and what is said then.
const DONE: [(&str, &str); 8] = [
    ("saved", "Saved. The change is being made."),
    ("secrets", "Saved. The secrets are on their way to your Worker."),
    ("secret-deleted", "The secret is on its way out."),
    ("revoked", "The token is revoked: whatever uses it is refused from now on."),
    ("suspended", "It is being suspended. Its data is kept."),
    ("resumed", "It is being started again."),
    ("deleted", "It is being deleted."),
    ("retried", "Asked for again."),
];

/// The tenant's page.
pub async fn read(mut call: Call, session: Session) -> Result<Response, ApiError> {
    let done =
        call.query.text("done", |done| DONE.iter().find(|(word, _)| *word == done).map(|(_, said)| *said).ok_or(""));
    let before = call.query.number("before", 1..=(1 << 53) - 1);
    render(&call, &session, Shown { done, before, errors: &[] }).await
}

/// What is particular about this showing of a tenant's page.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// What was just done.
    pub done: Option<&'static str>,
    /// Only history before this line.
    pub before: Option<i64>,
    /// What is wrong with a form that came back, each with its control.
    pub errors: &'a [FieldError<'a>],
}

/// The tenant's page as `shown`.
pub async fn render(call: &Call, session: &Session, shown: Shown<'_>) -> Result<Response, ApiError> {
    let (app, owner) = (&call.app, &session.subject);
    let tenant = &owner.tenant;
    let release = release_of(app, tenant).await?;
    let secrets = app.registry.secrets(&tenant.id).await?;
    let tokens = app.registry.tokens(&tenant.id).await?;
    let mut rows = app.registry.latest_events(&tenant.id, shown.before, EVENTS + 1).await?;
    let has_older = rows.len() > EVENTS;
    rows.truncate(EVENTS);
    let older = rows.last().filter(|_| has_older);
    let older = older.map(|row| format!("/tenants/{}?before={}#events", tenant.name, row.id));

    let ledger = ledger_of(&owner.resources)?;
    let address = address_of(app, tenant.name.as_str());
    let mark = mark(tenant, &ledger);
    let monthly = usage(tenant, Activity::default()).estimate().next_tenant.total.to_string();
    let running = Activity::default().usage(&tenant.spec);
    let monthly_running = running.estimate().next_tenant.total.to_string();
    let sizes = sizes_of(tenant);
    let presets = PRESETS.map(|preset| (preset, words_of(preset, preset.hours_per_day())));
    let presets = presets.each_ref().map(|(preset, words)| view::Preset { value: preset.as_str(), words });
    let lines = secret_lines(&release.manifest.profile, &secrets);
    let now = app.clock.now();
    let good: Vec<(&Token, String)> = tokens
        .iter()
        .filter(|token| token.state(now) == TokenState::Good)
        .map(|token| (token, names_of(token.scopes).join(", ")))
        .collect();
    let token_lines: Vec<TokenLine<'_>> = good
        .iter()
        .map(|(token, scopes)| TokenLine {
            id: &token.id,
            scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            is_this_one: token.id == session.token.id,
        })
        .collect();
    let may = |scope| session.token.scopes.contains(scope);
    let markup = view::tenant(&TenantPage {
        frame: session.frame(),
        progress: progress_of(app, tenant, &ledger, &address, &mark),
        monthly: &monthly,
        monthly_running: &monthly_running,
        size: SizeForm {
            sizes: &sizes,
            instance_type: tenant.spec.instance_type,
            sleep_after: tenant.spec.sleep_after.clone(),
            presets: &presets,
        },
        secrets: &lines,
        events: Events { rows: &rows, older: older.as_deref() },
        tokens: &token_lines,
        may: May { write: may(Scope::Write), secrets: may(Scope::Secrets) },
        notice: shown.done,
        errors: shown.errors,
    });
    let status = if shown.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, markup))
}

/// How far the tenant is, for a page that polls: nothing new (204) while it stands as `?seen=` says.
pub async fn progress(mut call: Call, session: Session) -> Result<Response, ApiError> {
    let seen = call.query.text("seen", |seen| Ok::<_, String>(seen.to_owned()));
    let (app, tenant) = (&call.app, &session.subject.tenant);
    let ledger = ledger_of(&session.subject.resources)?;
    let mark = mark(tenant, &ledger);
    if seen.as_deref() == Some(mark.as_str()) {
        return Ok(page(StatusCode::NO_CONTENT, maud::PreEscaped(String::new())));
    }
    let address = address_of(app, tenant.name.as_str());
    Ok(page(StatusCode::OK, fragment(&progress_of(app, tenant, &ledger, &address, &mark))))
}

/// How far a tenant is.
pub fn progress_of<'a>(
    app: &App,
    tenant: &'a Tenant,
    ledger: &'a Ledger,
    address: &'a str,
    mark: &'a str,
) -> Progress<'a> {
    Progress { tenant, ledger, address: Some(address), mark, now: app.clock.now() }
}

/// Changes whenever anything of a tenant's progress does.
pub fn mark(tenant: &Tenant, ledger: &Ledger) -> String {
    let states = crate::tenant::ResourceKind::ALL.iter().map(|kind| {
        let line: &Resource = ledger.get(*kind);
        // The first letter of its state, and whether it was made.
        format!("{}{}", line.state.as_str().get(..1).unwrap_or_default(), u8::from(line.asked_at.is_some()))
    });
    let due = tenant.due_at.map_or(0, |due| due.0);
    format!(
        "{}.{}.{}.{due}.{}",
        tenant.generation,
        tenant.observed_generation,
        tenant.phase.as_str(),
        states.collect::<String>()
    )
}

/// Every size that a tenant may choose, with what it costs a month around the clock with light use.
pub fn sizes() -> Vec<Size> {
    let open = InstanceType::ALL.into_iter().filter(|size| size.is_open_to_tenants());
    let monthly = |size| Usage::around_the_clock(size, 1, Preset::Light.cpu_percent()).estimate().next_tenant.total;
    open.map(|size| Size { instance_type: size, monthly: monthly(size) }).collect()
}

/// Those of them that this tenant may choose. The one that it has is among them, whatever its invite is for.
fn sizes_of(tenant: &Tenant) -> Vec<Size> {
    let may = |size: InstanceType| tenant.largest.is_none_or(|largest| size <= largest);
    sizes()
        .into_iter()
        .filter(|size| may(size.instance_type) || size.instance_type == tenant.spec.instance_type)
        .collect()
}

/// The ways in which tenants are used; the usual one first.
pub const PRESETS: [Preset; 5] = [Preset::Light, Preset::Idle, Preset::Normal, Preset::Heavy, Preset::Stress];

/// A way of use in words, of a tenant that is awake for so many `hours` of a day then.
pub fn words_of(preset: Preset, hours: HoursPerDay) -> String {
    let name = preset.as_str();
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    let (hours, percent) = (hours.get(), preset.cpu_percent().get());
    let unit = if hours == 1 { "hour" } else { "hours" };
    format!("{}{rest}: awake {hours} {unit} a day, {percent} % CPU", first.to_ascii_uppercase())
}

/// The secrets of the release's profile and those that are set beside, required ones that are missing first.
fn secret_lines<'a>(profile: &'a Profile, secrets: &'a [Secret]) -> Vec<SecretLine<'a>> {
    let line = |name: &'a str, need| {
        let found = secrets.iter().find(|secret| secret.name.as_str() == name);
        SecretLine {
            name,
            need,
            state: found.map_or(SecretState::Missing, state_of),
            version: found.map_or(0, |secret| secret.version),
            updated_at: found.map(|secret| secret.updated_at),
        }
    };
    let is_generated = |name: &&String| profile.generated.contains(name);
    let required = || profile.required.iter().filter(|name| !is_generated(name));
    let is_missing = |name: &&String| !secrets.iter().any(|secret| is_set(secret, name));
    let mut lines: Vec<SecretLine<'a>> = required().filter(is_missing).map(|name| line(name, Need::Required)).collect();
    lines.extend(required().filter(|name| !is_missing(name)).map(|name| line(name, Need::Required)));
    lines.extend(profile.generated.iter().map(|name| line(name, Need::Generated)));
    lines.extend(profile.optional.iter().map(|name| line(name, Need::Optional)));
    let extra = secrets.iter().map(|secret| secret.name.as_str());
    let is_known = |name: &&str| {
        [&profile.required, &profile.generated, &profile.optional]
            .iter()
            .any(|known| known.iter().any(|one| one == name))
    };
    lines.extend(extra.filter(|name| !is_known(name)).map(|name| line(name, Need::Extra)));
    lines
}

fn state_of(secret: &Secret) -> SecretState {
    match secret.wanted {
        Wanted::Deleted => SecretState::Removing,
        Wanted::Set if secret.is_lost() => SecretState::Lost,
        Wanted::Set if secret.is_pending() => SecretState::Pending,
        Wanted::Set => SecretState::Live,
    }
}
