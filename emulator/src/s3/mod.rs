//! R2's S3 API, as far as emptying a bucket needs it.
//!
//! In Cloudflare it is `https://{account}.r2.cloudflarestorage.com/{bucket}` (R2 docs, S3 API compatibility); here it lies below a
//! path of the same server, and whoever signs a request signs that path. Errors are R2's own, in S3's XML.

mod objects;
pub(crate) mod signature;
pub(crate) mod uploads;
pub(crate) mod xml;

use http::Method;

use crate::call::{Call, decode};
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::routes::{Found, Route, routes};

/// Where it lies.
pub(crate) const PREFIX: &str = "/s3/";

/// The table. A route is told by its method, by whether there is a key, and by a parameter of the query.
pub(crate) const ROUTES: &[Route] = routes! {
    GET    "/s3/{account}/{bucket}?list-type" "s3.object.list" objects::list;
    POST   "/s3/{account}/{bucket}?delete" "s3.object.delete_many" objects::delete_many;
    GET    "/s3/{account}/{bucket}?uploads" "s3.multipart.list" uploads::list;
    POST   "/s3/{account}/{bucket}/{*key}?uploads" "s3.multipart.create" uploads::create;
    DELETE "/s3/{account}/{bucket}/{*key}?uploadId" "s3.multipart.abort" uploads::abort;
    // What S3 has besides is refused with a name for it.
    GET    "/s3/{account}/{bucket}?" "s3.unknown" not_implemented;
};

/// Look a call up. `path` is the whole one, still percent-encoded.
pub(crate) fn find(method: &Method, path: &str, query: &str) -> Found {
    let mut pieces = path.strip_prefix(PREFIX).unwrap_or_default().splitn(3, '/');
    let mut next = || pieces.next().map(decode).unwrap_or_default();
    // The whole rest is the key, escaped slashes included: S3 has no segments.
    let (account, bucket, key) = (next(), next(), next());
    let asks = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(given, _)| given == name);
    let fits = |route: &&Route| {
        let (shape, flag) = route.path.split_once('?').unwrap_or((route.path, ""));
        route.method == *method && shape.ends_with("{*key}") != key.is_empty() && asks(flag)
    };
    let route = ROUTES.iter().find(fits).or(ROUTES.last());
    let params = [("account", account), ("bucket", bucket), ("key", key)];
    let params = params.map(|(name, value)| (name.to_owned(), value)).to_vec();
    route.map_or(Found::Nothing, |route| Found::Route { route, params })
}

async fn not_implemented(call: Call) -> Result<Reply, ApiError> {
    Err(ApiError::s3_not_implemented(&format!("{} {}", call.method, call.uri)))
}
