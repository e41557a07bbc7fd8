//! `GET /admin`, `GET /admin/fleet/live`, `POST /admin/tenants/act`.

use http::StatusCode;
use serde_json::{Map, Value as Json};

use super::{Console, Form, page};
use crate::access::Operator;
use crate::http::api::operator::acts;
use crate::http::api::operator::fleet::{asked, query_of, state_of};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::http::site::json_of;
use crate::pages::FieldError;
use crate::pages::console::Section;
use crate::pages::console::fleet::acts::{BULK, Became, GRACE_DAYS, Sure, became, sure, words};
use crate::pages::console::fleet::{FleetPage, Now, TEXTS, fleet, news};
use crate::registry::fleet::{Asked, Overview, Page};

/// Tenants on a page: no more than may be chosen at once.
const LINES: usize = 50;

/// The page: one round trip to the database. What is wrong in the search is said, and the rest of it asked.
pub async fn read(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let typed = TEXTS.map(|name| call.query.written(name).unwrap_or_default().to_owned());
    let asked = asked(&mut call.query, LINES);
    let errors = match call.query.finish() {
        Ok(()) => Vec::new(),
        Err(ApiError::Invalid(errors)) => errors,
        Err(error) => return Err(error),
    };
    let errors: Vec<FieldError<'_>> =
        errors.iter().map(|error| FieldError { field: placed(&error.pointer), message: &error.detail }).collect();
    let (overview, tenants) = call.app.registry.overview(Some(&asked), call.app.clock.now()).await?;
    let console = Console::of(&call, &operator);
    let query = query_of(&asked);
    let markup = with_now(&call, &asked, &overview, &tenants, |now| {
        let (frame, typed) = (console.frame(Section::Fleet), typed.each_ref().map(String::as_str));
        fleet(&FleetPage { frame, now, asked: &asked, typed, query: &query, errors: &errors })
    });
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, markup))
}

/// The control of the search that a complaint is about.
fn placed(pointer: &str) -> &'static str {
    const CHOICES: [&str; 3] = ["phase", "instance_type", "condition"];
    let name = pointer.trim_start_matches('?');
    TEXTS.into_iter().chain(CHOICES).find(|control| *control == name).unwrap_or("sort")
}

/// What changes on it, for a page that polls: nothing new (204) while it stands as `?seen=` says.
pub async fn live(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    let seen = call.query.text("seen", |seen| Ok::<_, String>(seen.to_owned())).unwrap_or_default();
    let asked = asked(&mut call.query, LINES);
    call.query.finish()?;
    let (overview, tenants) = call.app.registry.overview(Some(&asked), call.app.clock.now()).await?;
    Ok(match with_now(&call, &asked, &overview, &tenants, |now| news(&now, &seen)) {
        Some(markup) => page(StatusCode::OK, markup),
        None => page(StatusCode::NO_CONTENT, maud::PreEscaped(String::new())),
    })
}

/// What `make` makes of how it stands.
fn with_now<T>(call: &Call, asked: &Asked, overview: &Overview, page: &Page, make: impl FnOnce(Now<'_>) -> T) -> T {
    let (app, now) = (&call.app, call.app.clock.now());
    let state = state_of(app, overview, now);
    let cursor = asked.position.as_ref().map(|position| format!("cursor={position}&")).unwrap_or_default();
    let poll = format!("/admin/fleet/live?{}{cursor}", query_of(asked));
    let most_calls = app.config.budget.calls_left(0, now.0);
    make(Now { overview, state: &state, page, most_calls, poll: &poll })
}

/// Asks whether it is meant, and does it once it is.
pub async fn act(call: Call, operator: Operator, form: Form) -> Result<Response, ApiError> {
    let act = BULK.into_iter().find(|act| act.name == form.get("act"));
    let act = act.ok_or_else(|| ApiError::invalid("/act", "is nothing that can be done to several"))?;
    let chosen: Vec<&str> = form.all("tenant").take(acts::MAX_TENANTS).collect();
    let tenants = call.app.registry.these(&chosen).await?;
    let console = Console::of(&call, &operator);
    if tenants.is_empty() {
        return Err(ApiError::invalid("/tenant", "choose at least one tenant of the list"));
    }
    let (typed, release, days) = (form.get("sure").trim(), form.get("release").trim(), form.get("grace_days").trim());
    if typed != words(act, tenants.len()) {
        let error = (!typed.is_empty()).then(|| format!("Type {} to be sure.", words(act, tenants.len())));
        let is_offered = act.name == "release" && release.is_empty();
        let offered = if is_offered { call.app.registry.default_release().await? } else { None };
        let markup = sure(&Sure {
            frame: console.frame(Section::Fleet),
            act,
            tenants: &tenants,
            release: offered.as_ref().map_or(release, |release| release.id.0.as_str()),
            grace_days: if days.is_empty() { GRACE_DAYS } else { days },
            error: error.as_deref(),
        });
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        return Ok(page(status, markup));
    }
    let ids: Vec<&str> = tenants.iter().map(|tenant| tenant.id.0.as_str()).collect();
    let mut body = Map::from_iter([("act".to_owned(), act.name.into()), ("tenants".to_owned(), ids.into())]);
    if act.name == "release" && !release.is_empty() {
        body.insert("release".to_owned(), release.into());
    }
    if act.name == "delete" && !days.is_empty() {
        let days = days.parse::<u32>().map_or_else(|_| Json::from(days), Json::from);
        body.insert("grace_days".to_owned(), days);
    }
    let answer = json_of(&acts::create(call.to_api("", &Json::Object(body)), operator.clone()).await?)?;
    let all: Vec<Became<'_>> = answer.get("outcomes").and_then(Json::as_array).into_iter().flatten().map(one).collect();
    Ok(page(StatusCode::OK, became(console.frame(Section::Fleet), act, &all)))
}

fn one(outcome: &Json) -> Became<'_> {
    let text = |name: &str| outcome.get(name).and_then(Json::as_str);
    Became {
        tenant: text("tenant").unwrap_or_default(),
        outcome: text("outcome").unwrap_or_default(),
        detail: text("detail"),
    }
}
