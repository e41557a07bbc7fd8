//! `GET /admin/api/audit`, `…/audit/check`, `…/audit.jsonl`.

use http::HeaderValue;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, LINK};
use serde::Serialize;
use serde_json::Value as Json;

use crate::access::Operator;
use crate::audit::{Broken, Checked, Line};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{self, JSON_LINES, Response, with_body};
use crate::registry::audit::Of;
use crate::registry::{self, Registry};

const LINES: i64 = 50;
pub const MAX_LINES: i64 = 200;

/// Lines of one answer of the export.
const EXPORTED: i64 = 1_000;

/// Lines that one check looks at, in pieces of [`EXPORTED`]: each is hashed, which takes some of the request's CPU time.
pub const CHECKED: i64 = 10_000;

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "AuditPage"))]
pub struct Page {
    /// Newest first.
    lines: Vec<LineView>,
    /// Where the list goes on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A line of the audit log.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "AuditLine"))]
pub struct LineView {
    /// Its number; the first is 1, and none is left out.
    seq: i64,
    /// Who did what to whom, when, from where, in which request, and what it was before and after.
    entry: Json,
    /// SHA-256, in hexadecimal digits, of the hash of the line before it, a line feed, and the entry without spaces.
    hash: String,
}

/// How far the chain of hashes holds.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "AuditCheck"))]
pub struct Check {
    /// Whether every line that was looked at is as it was written.
    holds: bool,
    /// The last line that was looked at and holds; 0: none is.
    checked_to: i64,
    /// Its hash.
    hash: String,
    /// The first line that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken_at: Option<i64>,
    /// What is wrong there.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Where the check goes on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The lines, newest first: `?limit=` of them from before `?before=`; those of one `?actor=` or about one `?target=`.
pub async fn list(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    let limit = call.query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    let before = call.query.number("before", 1..=(1 << 53) - 1);
    let text = |text: &str| Ok::<_, String>(text.to_owned());
    let (actor, target) = (call.query.text("actor", text), call.query.text("target", text));
    let of = match (actor, target) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("?target", "give either actor or target")),
        (Some(actor), None) => Of::Actor(actor),
        (None, Some(target)) => Of::Target(target),
        (None, None) => Of::Everybody,
    };
    call.query.finish()?;
    let lines = call.app.registry.audit(&of, before, limit).await?;
    let is_full = i64::try_from(lines.len()).is_ok_and(|lines| lines >= limit);
    let last = lines.last().filter(|_| is_full);
    let of = match &of {
        Of::Everybody => String::new(),
        Of::Actor(actor) => {
            format!("&{}", form_urlencoded::Serializer::new(String::new()).append_pair("actor", actor).finish())
        }
        Of::Target(name) => {
            format!("&{}", form_urlencoded::Serializer::new(String::new()).append_pair("target", name).finish())
        }
    };
    let next = last.map(|line| format!("/admin/api/audit?limit={limit}&before={}{of}", line.seq));
    reply::json(&Page { lines: lines.into_iter().map(LineView::of).collect(), next })
}

/// Whether the chain of hashes holds from `?after=` on, a line that is taken as it is, for ten thousand lines.
pub async fn check(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    let after = call.query.number("after", 0..=(1 << 53) - 1).unwrap_or(0);
    call.query.finish()?;
    let check = match verify(&call.app.registry, after).await? {
        (checked, None) => Check {
            holds: true,
            next: (checked.seq - after >= CHECKED).then(|| format!("/admin/api/audit/check?after={}", checked.seq)),
            checked_to: checked.seq,
            hash: checked.hash,
            broken_at: None,
            why: None,
        },
        (checked, Some(broken)) => Check {
            holds: false,
            checked_to: checked.seq,
            hash: checked.hash,
            broken_at: Some(broken.seq()),
            why: Some(broken.to_string()),
            next: None,
        },
    };
    reply::json(&check)
}

/// How far the chain holds after line `after`, and where it is broken. Looks at [`CHECKED`] lines at most.
pub async fn verify(registry: &Registry, after: i64) -> Result<(Checked, Option<Broken>), registry::Error> {
    let mut checked = Checked::default();
    if after > 0 {
        match registry.audit_after(after - 1, 1).await?.pop().filter(|line| line.seq == after) {
            Some(line) => checked = Checked { seq: line.seq, hash: line.hash },
            None => return Ok((checked, Some(Broken::Missing(after)))),
        }
    }
    loop {
        let lines = registry.audit_after(checked.seq, EXPORTED).await?;
        let is_last = i64::try_from(lines.len()).is_ok_and(|lines| lines < EXPORTED);
        for line in &lines {
            match checked.clone().then(std::slice::from_ref(line)) {
                Ok(next) => checked = next,
                Err(broken) => return Ok((checked, Some(broken))),
            }
        }
        if is_last || checked.seq - after >= CHECKED {
            return Ok((checked, None));
        }
    }
}

/// The lines as JSON lines, oldest first, a thousand at a time from after `?after=` on; a `link` header says where they go
/// on. Each is `{"hash": …, "entry": …}`, the entry as it was hashed, byte for byte.
pub async fn export(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    let after = call.query.number("after", 0..=(1 << 53) - 1).unwrap_or(0);
    call.query.finish()?;
    let lines = call.app.registry.audit_after(after, EXPORTED).await?;
    let text = lines.iter().fold(String::new(), |mut text, line| {
        for part in ["{\"hash\":\"", &line.hash, "\",\"entry\":", &line.entry, "}\n"] {
            text.push_str(part);
        }
        text
    });
    let mut response = with_body(StatusCode::OK, JSON_LINES, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"audit.jsonl\""));
    let is_full = i64::try_from(lines.len()).is_ok_and(|lines| lines >= EXPORTED);
    if let Some(last) = lines.last().filter(|_| is_full) {
        let next = HeaderValue::try_from(format!("</admin/api/audit.jsonl?after={}>; rel=\"next\"", last.seq));
        headers.extend(next.map(|next| (LINK, next)));
    }
    Ok(response)
}

impl LineView {
    fn of(line: Line) -> Self {
        // What is kept is JSON, by the table's own check.
        let entry = serde_json::from_str(&line.entry).unwrap_or_default();
        Self { seq: line.seq, entry, hash: line.hash }
    }
}
