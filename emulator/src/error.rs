//! One constructor per error that Cloudflare is known to answer with: HTTP status, code, message.
//!
//! The only place with Cloudflare's error codes. Where a code or a status could not be found in Cloudflare's own text, the
//! comment says so, and the README lists it as a gap.

use http::StatusCode;
use serde_json::{Value, json};

use crate::runtime::RuntimeError;

/// A refusal, as it goes into the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status of the answer.
    pub status: StatusCode,
    /// Cloudflare's own code; what a client should look at after the status.
    pub code: u32,
    /// Text for people. For containers it is itself JSON, see [`ApiError::container`].
    pub message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    // Any route.

    /// No `Authorization` header. Code from wrangler's source, which counts it as a login problem; status observed as 4xx.
    pub(crate) fn no_credentials() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
    }

    /// A token that is not this account's (wrangler's source; recorded as 403).
    pub(crate) fn not_authenticated() -> Self {
        Self::new(StatusCode::FORBIDDEN, 10000, "Authentication error")
    }

    /// The account's own route of verification does not know the token: it is one of a user (API reference, "Verify Token").
    pub(crate) fn not_an_account_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 1000, "Invalid API Token")
    }

    /// Nothing lives at this path (7003: other clients' error tables; 400, 404 and 405 are all reported).
    pub(crate) fn no_route(path: &str) -> Self {
        let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
        Self::new(StatusCode::NOT_FOUND, 7003, message)
    }

    /// The path is known, the method is not (7001: other clients' error tables).
    pub(crate) fn no_method(method: &http::Method) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, 7001, format!("Method {method} not available for that URI."))
    }

    // R2. Codes from R2's page of error codes.

    /// Nobody has enabled R2 (10042; words as in workers-sdk#2877).
    pub(crate) fn r2_not_enabled() -> Self {
        Self::new(StatusCode::FORBIDDEN, 10042, "Please enable R2 through the Cloudflare Dashboard.")
    }

    /// The name is taken, and the bucket is the caller's own. 10004; the status is 409 here, but older notes say 400.
    pub(crate) fn bucket_exists() -> Self {
        Self::new(StatusCode::CONFLICT, 10004, "The bucket you tried to create already exists, and you own it.")
    }

    pub(crate) fn bucket_name_invalid() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10005, "The specified bucket name is not valid.")
    }

    pub(crate) fn no_such_bucket() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10006, "The specified bucket does not exist.")
    }

    pub(crate) fn no_such_object() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10007, "The specified key does not exist.")
    }

    pub(crate) fn bucket_not_empty() -> Self {
        Self::new(StatusCode::CONFLICT, 10008, "The bucket you tried to delete is not empty")
    }

    pub(crate) fn too_many_buckets() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10009, "You have reached the maximum number of buckets.")
    }

    /// A body that R2 cannot read. 10040 is R2's "invalid JSON" class; not confirmed for these routes.
    pub(crate) fn bad_json(why: &dyn std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10040, format!("The request body is not valid: {why}"))
    }

    // R2's S3 API. Codes and statuses from R2's page of error codes, which has them for both its APIs.

    /// No credentials, or a key that is nobody's. S3 itself would say `InvalidAccessKeyId`.
    pub(crate) fn s3_unauthorized(why: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 10002, why)
    }

    /// The key is somebody's, who may not do this.
    pub(crate) fn s3_denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, 10003, "Access Denied")
    }

    /// A header that S3 wants to be signed is not.
    pub(crate) fn s3_unsigned(header: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, 10003, format!("The header {header} was not signed"))
    }

    pub(crate) fn s3_expired() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10018, "The request's time is too far from the server's.")
    }

    pub(crate) fn s3_signature() -> Self {
        let message = "The request signature we calculated does not match the signature you provided. Check your secret access key and signing method.";
        Self::new(StatusCode::FORBIDDEN, 10035, message)
    }

    pub(crate) fn s3_no_such_upload() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10024, "The specified multipart upload does not exist.")
    }

    /// A checksum that is not the body's.
    pub(crate) fn s3_digest(header: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10037, format!("The {header} that you sent does not match the body."))
    }

    /// A header or parameter that makes no sense. 10029 as miniflare has it.
    pub(crate) fn s3_argument(what: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10029, format!("Invalid Argument: {what}"))
    }

    /// A body that cannot be read. S3's name for it; R2's number was not found, 10040 stands in.
    pub(crate) fn s3_malformed(why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10040, format!("The XML you provided was not well formed: {why}"))
    }

    /// S3 has it, this does not. R2's number was not found, 10000 stands in.
    pub(crate) fn s3_not_implemented(what: &str) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, 10000, format!("{what} is not implemented"))
    }

    // Workers.

    /// A script route of a script that is not there. 10007, as wrangler's source tests for it.
    pub(crate) fn no_such_script() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10007, "This Worker does not exist on your account.")
    }

    /// The same for `workers/services/{name}`: another code, as wrangler's source tests for it.
    pub(crate) fn no_such_service() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10090, "This Worker does not exist on your account.")
    }

    /// The account has no workers.dev subdomain: what `workers/subdomain` says (wrangler's source).
    pub(crate) fn no_subdomain() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10007, "There is no workers.dev subdomain on your account.")
    }

    /// The same as met by an upload (wrangler's source: 10063; status not known).
    pub(crate) fn needs_subdomain() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10063, "You need a workers.dev subdomain in order to proceed.")
    }

    /// Validation or start-up of an upload failed (10021, wrangler's source). Also used where the right code is not known.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10021, message)
    }

    /// 10027, wrangler's source; status not known.
    pub(crate) fn script_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 10027, "Your Worker exceeded the size limit of 64 MiB.")
    }

    /// An `inherit` binding that names nothing, with `bindings_inherit=strict` (10057, wrangler's source; status not known).
    pub(crate) fn cannot_inherit(name: &str) -> Self {
        let message = format!("Binding {name:?} cannot be inherited: the previous version has none of that name.");
        Self::new(StatusCode::BAD_REQUEST, 10057, message)
    }

    /// A binding to a class that no migration has made (text as in workers-sdk#10246).
    pub(crate) fn class_not_configured(class: &str) -> Self {
        let message = format!(
            "Cannot create binding for class '{class}' because it is not currently configured to implement Durable Objects. \
             Ensure a --new-class migration has been applied to it."
        );
        Self::new(StatusCode::BAD_REQUEST, 10061, message)
    }

    /// A class is to go while a binding still names it (workers-sdk#8203).
    pub(crate) fn class_still_bound(class: &str) -> Self {
        let message = format!(
            "Cannot apply --delete-class migration to class '{class}' without also removing the binding that references it."
        );
        Self::new(StatusCode::BAD_REQUEST, 10061, message)
    }

    /// A migration starts from another tag than the stored one (10079, workers-sdk#705; the 412 is inferred from its name).
    pub(crate) fn migration_tag_mismatch(expected: Option<&str>, stored: Option<&str>) -> Self {
        let message = format!(
            "Migration tag precondition failed; expected tag '{}', got '{}'",
            stored.unwrap_or(""),
            expected.unwrap_or("")
        );
        Self::new(StatusCode::PRECONDITION_FAILED, 10079, message)
    }

    /// The upload binds a bucket that is not there (10085, workers-sdk#9418; status not known).
    pub(crate) fn binding_without_bucket(bucket: &str) -> Self {
        let message = format!("R2 bucket '{bucket}' not found. Please create it before binding it.");
        Self::new(StatusCode::BAD_REQUEST, 10085, message)
    }

    /// Declared by `exports` once, back to `migrations` now (100403, workers-sdk#14614; status not known).
    pub(crate) fn exports_are_one_way() -> Self {
        let message = "This Worker uses `exports`; it cannot go back to `migrations`.";
        Self::new(StatusCode::BAD_REQUEST, 100_403, message)
    }

    /// Over the account's number of Workers. No source for the code was found; 10037 is what users report.
    pub(crate) fn too_many_scripts() -> Self {
        Self::new(StatusCode::FORBIDDEN, 10037, "You have reached the maximum number of Workers on your account.")
    }

    /// Over the account's number of cron triggers (10072, workers-sdk#5998 and #15194; 400 in the reports).
    pub(crate) fn too_many_crons() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10072, "workers.api.error.too_many_crons")
    }

    /// No secret of that name (10056: other clients' error tables).
    pub(crate) fn no_such_secret() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10056, "Binding not found.")
    }

    /// The newest version is not the one deployed, so a secret cannot be changed (10214 set, 10215 delete; wrangler's source).
    pub(crate) fn version_not_deployed(code: u32) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "The latest version of this Worker is not currently deployed.")
    }

    /// Another Worker binds this one and `force` was not given (10142: distilled's table of errors; status not known).
    pub(crate) fn script_referenced(by: &str) -> Self {
        let message = format!("This Worker is referenced by Worker '{by}'; remove the binding or delete with force.");
        Self::new(StatusCode::BAD_REQUEST, 10142, message)
    }

    /// A service binding to a Worker that is not there (10144: distilled's table of errors; status not known).
    pub(crate) fn no_bound_service(service: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            10144,
            format!("Service binding refers to Worker '{service}', which was not found."),
        )
    }

    /// A migration makes a class that is there already (10074: distilled's table has it for two migrations of one target).
    pub(crate) fn class_exists(class: &str) -> Self {
        let message = format!(
            "Cannot apply new-class migration to class '{class}' that is already depended on by existing Durable Objects"
        );
        Self::new(StatusCode::BAD_REQUEST, 10074, message)
    }

    /// A version that was never there or is not visible yet (100146, wrangler's source and recordings).
    pub(crate) fn no_such_version() -> Self {
        Self::new(StatusCode::NOT_FOUND, 100_146, "version not found")
    }

    /// No such Durable Object namespace (10066: other clients' error tables).
    pub(crate) fn no_such_namespace() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10066, "Durable Object namespace not found.")
    }

    // Containers.

    /// A refusal of the containers API: the message is JSON once more, `{"error","details"}`, as wrangler's client reads it.
    pub(crate) fn container(status: StatusCode, code: u32, error: &str, details: Value) -> Self {
        Self::new(status, code, json!({"error": error, "details": details}).to_string())
    }

    /// The account's plan has no containers. Words as users report them; the number was not found, 1000 stands in.
    pub(crate) fn containers_not_enabled() -> Self {
        let message =
            "You do not have access to Cloudflare Containers. Deploying containers requires the Workers Paid plan.";
        Self::new(StatusCode::UNAUTHORIZED, 1000, message)
    }

    /// Input that the containers API refuses (`VALIDATE_INPUT`, wrangler's client; its number was not found, 1000 stands in).
    pub(crate) fn container_input(why: impl Into<String>) -> Self {
        Self::container(StatusCode::BAD_REQUEST, 1000, "VALIDATE_INPUT", json!({"message": why.into()}))
    }

    /// 1609 with 404 (other clients' tables; the status is in the API schema).
    pub(crate) fn no_such_application() -> Self {
        Self::container(StatusCode::NOT_FOUND, 1609, "APPLICATION_NOT_FOUND", json!({}))
    }

    /// The namespace has an application already (1608: other clients' tables and wrangler's client).
    pub(crate) fn namespace_has_application(namespace: &str) -> Self {
        let details = json!({"namespace_id": namespace});
        Self::container(StatusCode::BAD_REQUEST, 1608, "DURABLE_OBJECT_ALREADY_HAS_APPLICATION", details)
    }

    /// The class was made without `containers`, or the upload is not known here yet (1607: other clients' tables).
    pub(crate) fn namespace_not_container_enabled(namespace: &str) -> Self {
        let details = json!({"namespace_id": namespace});
        Self::container(StatusCode::BAD_REQUEST, 1607, "DURABLE_OBJECT_NOT_CONTAINER_ENABLED", details)
    }

    /// No such namespace (name from wrangler's client; its number was not found, 1606 stands in).
    pub(crate) fn container_namespace_missing(which: &str) -> Self {
        let details = json!({"durable_object": which});
        Self::container(StatusCode::BAD_REQUEST, 1606, "DURABLE_OBJECT_NOT_FOUND", details)
    }
}

/// A Worker that does not start is the uploader's fault; anything else of the runtime is the emulator's own.
impl From<RuntimeError> for ApiError {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Startup(why) => Self::invalid(why),
            RuntimeError::Unavailable(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, 10002, error.to_string()),
        }
    }
}
