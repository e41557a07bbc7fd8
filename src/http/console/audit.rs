//! `GET /admin/audit`.

use http::StatusCode;
use serde_json::Value as Json;

use super::{Console, page};
use crate::access::Operator;
use crate::clock::Timestamp;
use crate::http::api::operator::audit::verify;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::pages::console::Section;
use crate::pages::console::audit::{AuditLine, AuditPage, Check, audit};
use crate::registry::audit::Of;

/// Lines of a page.
const LINES: i64 = 50;

/// The log, newest first; `?actor=`, `?target=` show a part of it, `?check=true` says whether the chain holds.
pub async fn read(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let text = |text: &str| Ok::<_, String>(text.to_owned());
    let (actor, target) = (call.query.text("actor", text), call.query.text("target", text));
    let before = call.query.number("before", 1..=(1 << 53) - 1);
    let is_to_check = call.query.flag("check");
    let after = call.query.number("after", 0..=(1 << 53) - 1).unwrap_or(0);
    let (of, whose, query) = match (actor, target) {
        (Some(actor), _) => (Of::Actor(actor.clone()), Some(actor), "actor"),
        (None, Some(target)) => (Of::Target(target.clone()), Some(target), "target"),
        (None, None) => (Of::Everybody, None, ""),
    };
    let registry = &call.app.registry;
    let mut lines = registry.audit(&of, before, LINES + 1).await?;
    let has_older = lines.len() > usize::try_from(LINES).unwrap_or_default();
    lines.truncate(usize::try_from(LINES).unwrap_or_default());
    let older = lines.last().filter(|_| has_older).map(|line| {
        let mut query_of = form_urlencoded::Serializer::new(format!("before={}", line.seq));
        if let Some(whose) = &whose {
            query_of.append_pair(query, whose);
        }
        format!("/admin/audit?{}", query_of.finish())
    });
    let checked = if is_to_check { Some(verify(registry, after).await?) } else { None };
    let broken = checked.as_ref().and_then(|(_, broken)| broken.as_ref().map(ToString::to_string));
    let next = checked.as_ref().and_then(|(checked, broken)| {
        let goes_on = broken.is_none() && checked.seq - after >= crate::http::api::operator::audit::CHECKED;
        goes_on.then(|| format!("/admin/audit?check=true&after={}", checked.seq))
    });
    let check = checked.as_ref().map(|(checked, _)| Check {
        checked_to: checked.seq,
        hash: &checked.hash,
        broken: broken.as_deref(),
        next: next.as_deref(),
    });
    let entries: Vec<(i64, Json)> =
        lines.iter().map(|line| (line.seq, serde_json::from_str(&line.entry).unwrap_or_default())).collect();
    let lines: Vec<AuditLine<'_>> = entries.iter().map(|(seq, entry)| line_of(*seq, entry)).collect();
    let console = Console::of(&call, &operator);
    let markup = audit(&AuditPage {
        frame: console.frame(Section::Audit),
        lines: &lines,
        of: whose.as_deref(),
        check,
        older: older.as_deref(),
    });
    Ok(page(StatusCode::OK, markup))
}

fn line_of(seq: i64, entry: &Json) -> AuditLine<'_> {
    static NOTHING: Json = Json::Null;
    let text = |name: &str| entry.get(name).and_then(Json::as_str).unwrap_or_default();
    AuditLine {
        seq,
        at: Timestamp::parse(text("at")).unwrap_or(Timestamp(0)),
        actor: text("actor"),
        act: text("act"),
        target: text("target"),
        from: text("from"),
        request_id: text("request_id"),
        before: entry.get("before").unwrap_or(&NOTHING),
        after: entry.get("after").unwrap_or(&NOTHING),
    }
}
