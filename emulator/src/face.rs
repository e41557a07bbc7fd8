//! What the emulator speaks: Cloudflare's v4 API, R2's S3 API, Turnstile's, and what a team of Access answers to everybody.
//! Each has its own way to let a caller in and to say no.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use crate::access;
use crate::account::{check_account, check_token};
use crate::call::Call;
use crate::envelope;
use crate::error::ApiError;
use crate::routes::{self, Found};
use crate::s3::{self, signature, xml};
use crate::turnstile;

/// The API that a call is made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    V4,
    S3,
    Turnstile,
    Access,
}

impl Face {
    pub(crate) fn of(full_path: &str) -> Self {
        match full_path {
            path if path.starts_with(s3::PREFIX) => Self::S3,
            path if path.starts_with(turnstile::PREFIX) => Self::Turnstile,
            path if path.starts_with(access::PREFIX) => Self::Access,
            _ => Self::V4,
        }
    }

    /// The path that routes, journal and faults go by.
    pub(crate) fn path(self, full_path: &str) -> &str {
        match self {
            Self::V4 => full_path.strip_prefix("/client/v4").unwrap_or(""),
            Self::S3 | Self::Turnstile | Self::Access => full_path,
        }
    }

    pub(crate) fn find(self, method: &Method, path: &str, query: &str) -> Found {
        match self {
            Self::V4 => routes::find(method, path),
            Self::S3 => s3::find(method, path, query),
            Self::Turnstile => turnstile::find(method, path),
            Self::Access => access::find(method, path),
        }
    }

    /// Whether a call uses up the account's rate limit. No source says whether S3 calls do; R2's limits page has none for them.
    /// Turnstile knows no account.
    pub(crate) fn is_counted(self) -> bool {
        self == Self::V4
    }

    pub(crate) fn authenticate(self, call: &Call, found: &Found) -> Result<(), ApiError> {
        match self {
            Self::V4 => {
                // The asset upload runs on the session's token, which its handler checks.
                let own_token = matches!(found, Found::Route { route, .. } if route.kind == "assets.upload");
                if !own_token {
                    check_token(&call.headers, &call.emulator.options().token)?;
                }
                check_account(call)?;
                call.emulator.with_lacks(|lacks| lacks.check(self.path(call.uri.path())))
            }
            Self::S3 => signature::check(call),
            // The secret of Turnstile is a field of the form, which the handler checks; the keys of Access are public.
            Self::Turnstile | Self::Access => Ok(()),
        }
    }

    /// The refusal in this API's form.
    pub(crate) fn refusal(self, error: ApiError) -> Response<Bytes> {
        match self {
            Self::V4 => error.into_response(),
            // What Access says then is not documented; nobody reads it.
            Self::Access => error.into_response(),
            Self::S3 => xml::refusal(&error),
            Self::Turnstile => turnstile::refusal(&error),
        }
    }

    /// 429 with `retry-after` in seconds.
    pub(crate) fn too_many_requests(self, retry_after: i64) -> Response<Bytes> {
        match self {
            Self::V4 | Self::Turnstile | Self::Access => envelope::too_many_requests(retry_after),
            Self::S3 => {
                let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, 10058, "Rate limit exceeded.");
                let mut response = xml::refusal(&error);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
                response
            }
        }
    }
}
