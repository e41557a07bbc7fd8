//! What a failed call means. [`Error::verdict`] is the only place of the plane that decides by Cloudflare's status and
//! codes; [`Error::advice`] puts them into words for a person.
//!
//! Codes are read together with the operation, since several have more than one meaning: 10007 is "no such script",
//! "no such object" or "the account has no subdomain"; 10001 is "cannot authenticate" or R2's internal error. Where a
//! code's meaning is known from is said beside it; "wrangler" is Cloudflare's own client, "R2 codes" is
//! <https://developers.cloudflare.com/r2/api/error-codes/>.

use std::fmt;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use serde_json::Value;

use super::operation::Operation;
use super::transport::TransportError;

/// A call that did not succeed. Holds nothing of the request, above all no body and no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What was tried.
    pub operation: Operation,
    /// What came of it.
    pub kind: ErrorKind,
}

/// How a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// Nothing was sent: the arguments do not make a request. A fault of the caller.
    #[error("not sent: {0}")]
    Unsendable(String),
    /// Sent, perhaps; no reply. It may have acted.
    #[error("no reply")]
    NoReply(#[source] TransportError),
    /// The status says success and the body cannot be read. It did act.
    #[error("status {status} with a body that cannot be read: {message}")]
    Unreadable {
        /// HTTP status, 2xx.
        status: u16,
        /// What was expected; at most [`Refusal::MESSAGE_LIMIT`] characters.
        message: String,
    },
    /// An answer, and it is no.
    #[error("{0}")]
    Refused(Refusal),
}

/// Cloudflare's "no", as it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Cloudflare's number: `10006`. `None` if the body has none or is no JSON.
    pub code: Option<u32>,
    /// The name that the container API and S3 have for it: `DURABLE_OBJECT_ALREADY_HAS_APPLICATION`, `NoSuchBucket`.
    pub text_code: Option<String>,
    /// Cloudflare's words, or ours if it had none; one line of at most [`Self::MESSAGE_LIMIT`] characters.
    pub message: String,
    /// The `Retry-After` header in seconds.
    pub retry_after_s: Option<u32>,
    /// Whether the answer came in the API's own form. If not, something before the API spoke: a block page, a proxy.
    pub from_api: bool,
}

/// What a failed call means for the one who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Deleting what is gone already: success.
    Done,
    /// Creating what exists already. Ours if we had written its name down before, somebody else's if not.
    Taken,
    /// What the call was to act upon, or needs, is absent.
    Missing,
    /// The bucket still holds objects, unfinished multipart uploads or event-notification rules.
    NotEmpty,
    /// What we know may be out of date: the reply was lost, or a precondition failed. Read before the next write.
    LookAgain,
    /// The same call may succeed later.
    Later {
        /// Seconds that Cloudflare asks to wait; `None`: it did not say.
        retry_after_s: Option<u32>,
    },
    /// The plane's own token is bad or lacks a permission. Concerns every tenant: stop and tell the operator.
    Unauthorized,
    /// R2's S3 API does not let the token in, or does not take such a call. Says nothing about the token elsewhere: what
    /// REST has a route for can be done there.
    S3Unusable,
    /// The same call will be refused again; a person has to change something. See [`Error::advice`].
    Never,
}

/// "Authentication error", "invalid header", "invalid token", "not allowed for this kind of token" (wrangler);
/// 1001 "missing token" (reported by others); 10001 "unable to authenticate", unless with 500 (issue workers-sdk#9129).
const AUTH_CODES: &[u32] = &[1001, 9106, 9109, 10000, 10001, 10405];
/// Bucket (R2 codes), object and script, secret (reported by others), Worker (wrangler), dispatch script (wrangler),
/// Durable Object namespace and container application (reported by others).
const ABSENT_CODES: &[u32] = &[10006, 10007, 10056, 10066, 10090, 10092, 1609];
/// Unknown method or route (reported by others): a 404 with one of these says nothing about the thing.
const WRONG_ROUTE_CODES: &[u32] = &[7000, 7001, 7003, 10015];

impl Error {
    /// What the failure means. The step decides what follows from it.
    pub fn verdict(&self) -> Verdict {
        match &self.kind {
            ErrorKind::Unsendable(_) => Verdict::Never,
            ErrorKind::NoReply(_) | ErrorKind::Unreadable { .. } => Verdict::LookAgain,
            ErrorKind::Refused(refusal) => judge(self.operation, refusal),
        }
    }

    /// For how many seconds Cloudflare refuses every call of this token, not just this one: what it says, `unsaid` if it
    /// does not say. `None`: it refused no such thing. Too many writes to one object (10058) concern that object alone.
    pub fn block_s(&self, unsaid: u32) -> Option<u32> {
        match &self.kind {
            ErrorKind::Refused(refusal) if refusal.status == 429 && refusal.code != Some(10058) => {
                Some(refusal.retry_after_s.unwrap_or(unsaid))
            }
            _ => None,
        }
    }

    /// Whether the call may have taken effect although it failed. `false` is certain: nothing was changed.
    ///
    /// An answer of 4xx is a decision taken before acting; a lost or unreadable reply and 5xx are not.
    pub fn may_have_acted(&self) -> bool {
        self.operation.changes_something()
            && match &self.kind {
                ErrorKind::Unsendable(_) => false,
                ErrorKind::NoReply(_) | ErrorKind::Unreadable { .. } => true,
                ErrorKind::Refused(refusal) => !(300..500).contains(&refusal.status) || refusal.status == 408,
            }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.kind)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(code) = self.code {
            write!(f, ", code {code}")?;
        }
        if let Some(text_code) = &self.text_code {
            write!(f, ", {text_code}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// For calls whose object may rightly be absent.
pub trait Optional<T> {
    /// Turns [`Verdict::Missing`] into `None`; every other failure stays one.
    fn optional(self) -> Result<Option<T>, Error>;
}

impl<T> Optional<T> for Result<T, Error> {
    fn optional(self) -> Result<Option<T>, Error> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.verdict() == Verdict::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn judge(operation: Operation, refusal: &Refusal) -> Verdict {
    use Operation::{ApplicationCreate, BucketCreate, BucketDelete};

    let later = Verdict::Later { retry_after_s: refusal.retry_after_s };
    let status = refusal.status;
    let code = refusal.code.unwrap_or(0);
    let text = refusal.text_code.as_deref().unwrap_or("");
    let is_delete = operation.method() == http::Method::DELETE;

    // Missing in S3 itself, not broken.
    if status == 501 && operation.is_for_s3() {
        return Verdict::S3Unusable;
    }
    // Limits and troubles of the far side, whatever code comes with them: 429 of the API as of one key (10058),
    // 503 (10043), R2's internal error (10001 with 500).
    if status == 429 || status == 408 || status >= 500 {
        return later;
    }
    // Not the API's own answer: a firewall's block page, an edge that knows no better. wrangler meets 403 in HTML on
    // uploads whose body looks like an attack.
    if !refusal.from_api {
        return if matches!(status, 403 | 404) { later } else { Verdict::Never };
    }
    match (operation, code, text) {
        // R2 codes: 10004 bucket exists, 10073 conflict; either with 409 or 400.
        (BucketCreate, 10004 | 10073, _) => Verdict::Taken,
        (BucketCreate, _, _) if status == 409 => Verdict::Taken,
        // R2 codes: "the bucket is not empty".
        (BucketDelete, 10008, _) => Verdict::NotEmpty,
        // R2 codes, listed as passing: internal error, service unavailable, writes to one key.
        (_, 10043 | 10058, _) => later,

        // One application per namespace and one per name (reported by others; wrangler).
        (ApplicationCreate, 1608, _) | (ApplicationCreate, _, "DURABLE_OBJECT_ALREADY_HAS_APPLICATION") => {
            Verdict::Taken
        }
        (ApplicationCreate, _, _) if status == 409 => Verdict::Taken,
        // Right after an upload the container API does not know the class yet (reported by others: up to a minute).
        // A class that was created without `containers` gets the same answer for ever: the step limits its patience.
        (ApplicationCreate, 1607 | 1609 | 10007 | 10066, _)
        | (ApplicationCreate, _, "DURABLE_OBJECT_NOT_CONTAINER_ENABLED" | "DURABLE_OBJECT_NOT_FOUND") => later,
        (ApplicationCreate, _, _) if status == 404 && !WRONG_ROUTE_CODES.contains(&code) => later,

        // The stored migration tag is not the one we thought: read it, send again (wrangler).
        (_, 10079, _) => Verdict::LookAgain,
        // No migration went along for a class that is not there: the script was deleted by somebody else, and its classes
        // with it.
        (_, 10061, _) => Verdict::LookAgain,
        // Just uploaded, not visible yet (wrangler repeats it five times).
        (_, 100146, _) => later,
        // A newer version is uploaded and not deployed, so secrets cannot change: somebody's rollout is under way
        // (wrangler).
        (_, 10214 | 10215, _) => later,
        // Upload: the bound bucket (issue workers-sdk#9418) or the inherited binding (wrangler) does not exist.
        (_, 10085 | 10057, _) => Verdict::Missing,

        // R2 codes: not entitled to R2; locked by a rule. Both 403, neither about the token.
        (_, 10042 | 10069, _) | (_, _, "NotEntitled" | "ObjectLockedByBucketPolicy") => Verdict::Never,
        // R2 codes: 401 `Unauthorized`, 403 `AccessDenied` and `SignatureDoesNotMatch`; 400 `InvalidArgument` for a key of
        // another length than a token's id (issue grafana/loki#9224). Of the token's own route: a token of a user, which
        // is not one of the account's, has another (API reference, "Verify Token").
        _ if operation.is_for_s3() && !matches!(status, 200..=299 | 404 | 409 | 412) => Verdict::S3Unusable,
        (_, code, _) if AUTH_CODES.contains(&code) => Verdict::Unauthorized,
        _ if matches!(status, 401 | 403) => Verdict::Unauthorized,
        (_, code, _) if WRONG_ROUTE_CODES.contains(&code) => Verdict::Never,
        (_, code, text) if status == 404 || text == "APPLICATION_NOT_FOUND" || ABSENT_CODES.contains(&code) => {
            if is_delete {
                Verdict::Done
            } else {
                Verdict::Missing
            }
        }
        // A conflict or a failed precondition: somebody else changed the same thing. A 2xx that says `success: false`
        // contradicts itself.
        _ if matches!(status, 200..=299 | 409 | 412) => Verdict::LookAgain,
        _ => Verdict::Never,
    }
}

impl Refusal {
    /// The longest message that is kept, in characters.
    pub const MESSAGE_LIMIT: usize = 300;

    /// Reads what can be read. `body` is the answer as JSON, if it is a JSON object; `hidden` are values that neither
    /// the message nor the text code may repeat.
    pub(super) fn read(response: &http::Response<Bytes>, body: Option<&Value>, hidden: &[String]) -> Self {
        let retry_after_s = Self::retry_after(response);
        let mut refusal = Self { status: response.status().as_u16(), retry_after_s, ..Self::default() };
        let first = body.and_then(|body| body.get("errors")?.as_array()?.first());
        let mut message = String::new();
        if let Some(body) = body {
            refusal.from_api = body.get("success").is_some() || first.is_some() || body.get("error").is_some();
        }
        if let Some(first) = first {
            refusal.code = first.get("code").and_then(|code| match code {
                Value::Number(number) => number.as_u64()?.try_into().ok(),
                Value::String(digits) => digits.parse().ok(),
                _ => None,
            });
            message = first.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        }
        // The container API puts its own error, as JSON, into the message; or answers with it outright.
        let inner = serde_json::from_slice(message.as_bytes()).ok();
        let container_error = if first.is_some() { inner.as_ref() } else { body };
        if let Some((name, details)) = container_error.and_then(read_container_error) {
            refusal.text_code = Some(name.to_owned());
            message = details;
        }
        if message.is_empty() {
            message = match body {
                Some(_) => "no reason given".to_owned(),
                None => format!("{} bytes that are no JSON", response.body().len()),
            };
        }
        refusal.message = Self::tidy(message, hidden);
        refusal.text_code = refusal.text_code.map(|name| Self::tidy(name, hidden));
        refusal
    }

    /// The `Retry-After` header, if it is in seconds.
    pub(super) fn retry_after(response: &http::Response<Bytes>) -> Option<u32> {
        response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
    }

    /// Cloudflare's words as they are kept: brief, and without the values that are to be hidden.
    pub(super) fn tidy(mut message: String, hidden: &[String]) -> String {
        // Before the cut, which could leave the beginning of a value. Shorter ones than four would hide half the words.
        for value in hidden.iter().filter(|value| value.len() >= 4) {
            message = message.replace(value.as_str(), "REDACTED");
        }
        Self::brief(&message)
    }

    /// One line of bounded length, without control characters.
    pub(super) fn brief(text: &str) -> String {
        let mut line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let mut brief: String = line.by_ref().take(Self::MESSAGE_LIMIT).collect();
        if line.next().is_some() {
            brief.pop();
            brief.push('…');
        }
        brief
    }
}

/// `{"error": "CODE", "details": …}`: the code, and the details as text, whatever they are.
fn read_container_error(error: &Value) -> Option<(&str, String)> {
    let name = error.get("error")?.as_str()?;
    let details = match error.get("details") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(words)) => words.clone(),
        Some(details) => details.to_string(),
    };
    Some((name, details))
}

#[cfg(test)]
mod tests {
    use super::Operation::*;
    use super::*;
    use crate::cloudflare::testing::{answer, client, no, raw, refused};
    use serde_json::json;

    const LATER: Verdict = Verdict::Later { retry_after_s: None };

    #[test]
    fn each_status_and_code_is_judged_with_its_operation() {
        use Verdict::*;
        for (operation, status, code, text, verdict) in [
            // Created before.
            (BucketCreate, 409, 10004, "", Taken),
            (BucketCreate, 400, 10004, "", Taken),
            (BucketCreate, 409, 10073, "", Taken),
            (BucketCreate, 409, 0, "", Taken),
            (ApplicationCreate, 400, 1608, "", Taken),
            (ApplicationCreate, 400, 0, "DURABLE_OBJECT_ALREADY_HAS_APPLICATION", Taken),
            (ApplicationCreate, 409, 0, "", Taken),
            // The same codes elsewhere say something else.
            (BucketDelete, 409, 10004, "", LookAgain),
            (ScriptUpload, 409, 0, "", LookAgain),
            (ApplicationModify, 400, 1608, "", Never),
            // Deleted before.
            (BucketDelete, 404, 10006, "", Done),
            (ObjectsDelete, 404, 10006, "", Done),
            (ScriptDelete, 404, 10007, "", Done),
            (ScriptDelete, 404, 10090, "", Done),
            (ApplicationDelete, 404, 1609, "", Done),
            (ApplicationDelete, 400, 0, "APPLICATION_NOT_FOUND", Done),
            // A route that does not exist proves nothing.
            (BucketDelete, 404, 7000, "", Never),
            (ScriptDelete, 404, 7003, "", Never),
            (ScriptDelete, 405, 10015, "", Never),
            // Nothing to act upon.
            (BucketGet, 404, 10006, "", Missing),
            (LifecyclePut, 404, 10006, "", Missing),
            (ServiceGet, 404, 10090, "", Missing),
            (SecretsPatch, 404, 10007, "", Missing),
            (SecretsPatch, 404, 10007, "", Missing),
            (SchedulesPut, 404, 10007, "", Missing),
            (ApplicationGet, 404, 1609, "", Missing),
            (RolloutCreate, 404, 0, "", Missing),
            (ScriptUpload, 400, 10085, "", Missing),
            (ScriptUpload, 400, 10057, "", Missing),
            // Not empty.
            (BucketDelete, 409, 10008, "", NotEmpty),
            // Out of date.
            (ScriptUpload, 412, 10079, "", LookAgain),
            (ScriptUpload, 400, 10079, "", LookAgain),
            (ScriptUpload, 400, 10061, "", LookAgain),
            (SchedulesPut, 200, 0, "", LookAgain),
            // Later.
            (ObjectsDelete, 429, 10058, "", LATER),
            (BucketCreate, 429, 0, "", LATER),
            (BucketCreate, 500, 10001, "", LATER),
            (BucketCreate, 503, 10043, "", LATER),
            (ScriptUpload, 502, 0, "", LATER),
            (ScriptUpload, 522, 0, "", LATER),
            (ServiceGet, 404, 100146, "", LATER),
            (SecretsPatch, 400, 10215, "", LATER),
            (ApplicationCreate, 400, 1607, "", LATER),
            (ApplicationCreate, 400, 0, "DURABLE_OBJECT_NOT_CONTAINER_ENABLED", LATER),
            (ApplicationCreate, 400, 0, "DURABLE_OBJECT_NOT_FOUND", LATER),
            (ApplicationCreate, 404, 10007, "", LATER),
            (ApplicationCreate, 404, 0, "", LATER),
            (ApplicationCreate, 404, 7000, "", Never),
            // The token.
            (ScriptUpload, 403, 10000, "", Unauthorized),
            (ScriptUpload, 400, 9106, "", Unauthorized),
            (ScriptUpload, 400, 9109, "", Unauthorized),
            (ScriptUpload, 405, 10405, "", Unauthorized),
            (NamespaceList, 400, 10001, "", Unauthorized),
            (BucketCreate, 401, 10002, "", Unauthorized),
            (BucketCreate, 403, 10003, "", Unauthorized),
            (ApplicationCreate, 401, 0, "", Unauthorized),
            (BucketDelete, 403, 0, "", Unauthorized),
            // A person has to change something.
            (BucketCreate, 403, 10042, "", Never),
            (BucketCreate, 400, 10005, "", Never),
            (BucketCreate, 400, 10009, "", Never),
            (ScriptUpload, 400, 10021, "", Never),
            (ScriptUpload, 400, 10063, "", Never),
            (ApplicationCreate, 400, 0, "SURPASSED_TOTAL_LIMITS", Never),
            (ApplicationCreate, 400, 0, "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE", Never),
            (ApplicationCreate, 400, 0, "VALIDATE_INPUT", Never),
            (ScriptUpload, 413, 0, "", Never),
        ] {
            assert_eq!(refused(operation, status, code, text).verdict(), verdict, "{operation} {status} {code} {text}");
        }
    }

    #[test]
    fn no_operation_takes_trouble_of_the_far_side_for_an_answer() {
        for operation in Operation::ALL {
            for status in [408, 429, 500, 502, 503, 504, 520, 522, 530] {
                for code in [0, 10000, 10001, 10004, 10006, 10007, 10008] {
                    assert_eq!(refused(*operation, status, code, "").verdict(), LATER, "{operation} {status} {code}");
                }
            }
        }
    }

    #[test]
    fn only_a_failure_that_cannot_have_acted_says_so() {
        let lost = |operation| Error { operation, kind: ErrorKind::NoReply(TransportError::TimedOut) };
        let unreadable = ErrorKind::Unreadable { status: 200, message: String::new() };
        assert!(lost(BucketCreate).may_have_acted());
        assert!(!lost(BucketGet).may_have_acted(), "a read changes nothing");
        assert!(Error { operation: ScriptUpload, kind: unreadable }.may_have_acted());
        assert!(!Error { operation: ScriptUpload, kind: ErrorKind::Unsendable(String::new()) }.may_have_acted());
        for (status, acted) in [
            (200, true),
            (302, false),
            (400, false),
            (403, false),
            (408, true),
            (409, false),
            (429, false),
            (500, true),
            (522, true),
        ] {
            assert_eq!(refused(BucketCreate, status, 0, "").may_have_acted(), acted, "{status}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_from_the_api_is_never_proof_of_anything() {
        let html = "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>";
        for (status, body, verdict) in [
            (403, html, LATER),
            (404, html, LATER),
            (404, "{}", LATER),
            (404, "null", LATER),
            (500, "", LATER),
            (520, html, LATER),
            (400, html, Verdict::Never),
            (301, "", Verdict::Never),
            (200, html, Verdict::LookAgain),
            (200, "", Verdict::LookAgain),
            (200, r#"{"success":tr"#, Verdict::LookAgain),
            (200, "[]", Verdict::LookAgain),
            (200, "{}", Verdict::LookAgain),
            (200, r#"{"success":false,"errors":[]}"#, Verdict::LookAgain),
        ] {
            let (client, _) = client([raw(status, body)]);
            let error = client.delete_bucket("b").await.unwrap_err();
            assert_eq!(error.verdict(), verdict, "{status} {body}");
            assert!(!error.to_string().contains("Attention"), "a page is not quoted: {error}");
        }
    }

    #[tokio::test]
    async fn a_lost_reply_means_looking_and_names_its_cause() {
        let (client, _) = client([Err(TransportError::TimedOut)]);
        let error = client.create_bucket("b").await.unwrap_err();
        assert_eq!((error.verdict(), error.may_have_acted()), (Verdict::LookAgain, true));
        assert_eq!(error.to_string(), "r2.bucket.create: no reply");
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), TransportError::TimedOut.to_string());
    }

    #[tokio::test]
    async fn the_container_apis_error_inside_the_message_is_read() {
        let inner = json!({ "error": "SURPASSED_TOTAL_LIMITS", "details": { "MEMORY": "over" } }).to_string();
        let outright = json!({ "error": "SURPASSED_TOTAL_LIMITS", "details": { "MEMORY": "over" } });
        for reply in [no(400, 1000, &inner), answer(400, &outright)] {
            let (client, _) = client([reply]);
            let error = client.set_max_instances("id", 9).await.unwrap_err();
            let ErrorKind::Refused(refusal) = &error.kind else { panic!("{error:?}") };
            assert_eq!(refusal.text_code.as_deref(), Some("SURPASSED_TOTAL_LIMITS"));
            assert_eq!(refusal.message, r#"{"MEMORY":"over"}"#);
            assert_eq!(error.verdict(), Verdict::Never);
            assert!(error.advice().contains("smaller instance type"), "{}", error.advice());
        }
    }

    #[tokio::test]
    async fn the_wait_that_cloudflare_asks_for_is_passed_on() {
        for (header, seconds) in
            [("300", Some(300)), (" 7 ", Some(7)), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
        {
            let mut reply = raw(429, "").unwrap();
            reply.headers_mut().insert(RETRY_AFTER, header.parse().unwrap());
            let (client, _) = client([Ok(reply)]);
            let error = client.get_bucket("b").await.unwrap_err();
            assert_eq!(error.verdict(), Verdict::Later { retry_after_s: seconds }, "{header}");
        }
    }

    #[tokio::test]
    async fn a_message_is_one_line_of_bounded_length() {
        let (client, _) = client([no(400, 10021, &format!("line one\nline two {}", "é".repeat(1000)))]);
        let error = client.delete_bucket("b").await.unwrap_err();
        let ErrorKind::Refused(refusal) = error.kind else { panic!("{error:?}") };
        assert_eq!(refusal.message.chars().count(), Refusal::MESSAGE_LIMIT);
        assert!(refusal.message.starts_with("line one line two é") && refusal.message.ends_with('…'));
    }

    #[tokio::test]
    async fn absence_is_no_error_to_those_who_may_find_nothing() {
        let (client, _) = client([no(404, 10006, ""), no(403, 10000, "")]);
        assert_eq!(client.get_bucket("b").await.optional(), Ok(None));
        assert!(client.get_bucket("b").await.optional().is_err());
    }
}
