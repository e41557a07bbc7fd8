//! Who calls: AWS Signature Version 4, checked for real (Amazon's reference, "Authenticating Requests: Using the Authorization
//! Header").
//!
//! A token's S3 credentials: the access key id is the token's id, the secret access key the SHA-256 of its value in lower-case hex
//! (<https://developers.cloudflare.com/r2/api/tokens/>).

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::Sha256;

use crate::account::token_id;
use crate::call::{Call, Payload};
use crate::error::ApiError;
use crate::world::hex_sha256;

/// Everything but the unreserved characters is escaped.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// How far the request's time may be from ours, in milliseconds: 15 minutes, as in S3.
const SKEW_MS: i64 = 15 * 60_000;

/// The parts of the `Authorization` header.
struct Claim<'a> {
    access_key: &'a str,
    /// `date/region/service/aws4_request`.
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let mut fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',').map(str::trim);
        let mut field = |name| fields.next()?.strip_prefix(name);
        let (access_key, scope) = field("Credential=")?.split_once('/')?;
        let (signed_headers, signature) = (field("SignedHeaders=")?, field("Signature=")?);
        Some(Self { access_key, scope, signed_headers, signature })
    }
}

/// Let a call pass that the account's token has signed as a whole.
pub(crate) fn check(call: &Call) -> Result<(), ApiError> {
    let header = call.header("authorization").ok_or_else(|| ApiError::s3_unauthorized("Unauthorized"))?;
    let claim = Claim::parse(header).ok_or_else(|| ApiError::s3_argument("Authorization"))?;
    // The length as reported for R2 by many, such as grafana/loki#9224.
    if claim.access_key.len() != 32 {
        let length = claim.access_key.len();
        return Err(ApiError::s3_argument(&format!("Credential access key has length {length}, should be 32")));
    }
    if claim.access_key != token_id(call) {
        return Err(ApiError::s3_unauthorized("Unauthorized"));
    }
    let time = call.header("x-amz-date").unwrap_or_default();
    let date = fresh_date(time, call.now).ok_or_else(ApiError::s3_expired)?;
    // Any of the three means the one region (R2 docs, S3 API compatibility).
    let region = ["auto", "us-east-1", ""].into_iter().find(|region| {
        let scope = format!("{date}/{region}/s3/aws4_request");
        scope == claim.scope
    });
    let region = region.ok_or_else(|| ApiError::s3_argument("Credential scope"))?;
    let canonical = canonical_request(call, claim.signed_headers)?;
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{}\n{}", claim.scope, hex_sha256(canonical.as_bytes()));
    let secret = hex_sha256(call.emulator.options().token.as_bytes());
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, region, "s3", "aws4_request", &to_sign] {
        key = hmac(&key, part);
    }
    let signature: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    if signature != claim.signature {
        return Err(ApiError::s3_signature());
    }
    if call.param("account") != call.emulator.options().account || !call.emulator.has_r2() {
        return Err(ApiError::s3_denied());
    }
    Ok(())
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The day of a time such as `20260101T000000Z`, if that is about now.
fn fresh_date(time: &str, now: i64) -> Option<&str> {
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
    let at = parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    if (at - now).abs() > SKEW_MS { None } else { time.get(..8) }
}

/// The request in the one form that both sides sign.
fn canonical_request(call: &Call, signed_headers: &str) -> Result<String, ApiError> {
    let signed: Vec<&str> = signed_headers.split(';').collect();
    let all = call.headers.keys().map(http::HeaderName::as_str);
    if let Some(unsigned) =
        all.chain(["host"]).find(|name| (name.starts_with("x-amz-") || *name == "host") && !signed.contains(name))
    {
        return Err(ApiError::s3_unsigned(unsigned));
    }
    let host = call.uri.authority().map_or("", http::uri::Authority::as_str);
    let mut headers = String::new();
    for name in &signed {
        let value =
            value(&call.headers, name).unwrap_or_else(|| if *name == "host" { host.to_owned() } else { String::new() });
        headers.push_str(&format!("{name}:{value}\n"));
    }
    let path = percent_encode(&percent_decode_str(call.uri.path()).collect::<Vec<u8>>(), PATH).to_string();
    let mut query: Vec<(String, String)> = call
        .uri
        .query()
        .unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (recoded(name), recoded(value)))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let claimed = call.header("x-amz-content-sha256").ok_or_else(|| ApiError::s3_argument("x-amz-content-sha256"))?;
    let body: &[u8] = if let Payload::Bytes(bytes) = &call.payload { bytes } else { &[] };
    if claimed != "UNSIGNED-PAYLOAD" && claimed != hex_sha256(body) {
        return Err(ApiError::s3_digest("x-amz-content-sha256"));
    }
    Ok(format!("{}\n{path}\n{}\n{headers}\n{signed_headers}\n{claimed}", call.method, query.join("&")))
}

fn recoded(text: &str) -> String {
    percent_encode(&percent_decode_str(text).collect::<Vec<u8>>(), UNRESERVED).to_string()
}

/// All values of a header, without surplus white space.
fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let tidy = |text: &str| text.split_ascii_whitespace().collect::<Vec<&str>>().join(" ");
    let values: Vec<String> = headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).map(tidy).collect();
    (!values.is_empty()).then(|| values.join(","))
}
