//! What every route has, or every one of its kind: worked out from its row in the table of routes.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::operation::{Operation, flag};
use crate::access::{self, Role};
use crate::http::error::ApiError;
use crate::http::routes::{Handler, ROUTES, Route};
use crate::rate_limit::{Limit, Refusal};
use crate::tenant::{name, secret_name};
use crate::vault::Scope;

/// The row that `operation` describes.
pub fn route_of(operation: &Operation) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == operation.path && route.method == operation.method)
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever asks.
    Anyone,
    /// Whoever shows a token of the tenant that is good for this.
    Owner(Scope),
    /// Whoever Cloudflare Access let in, with at least this role.
    Operator(Role),
}

/// Who may call an operation, by its row.
pub fn caller(operation: &Operation) -> Caller {
    match route_of(operation).map(|route| &route.handler) {
        Some(Handler::Tenant(scope, _)) => Caller::Owner(*scope),
        Some(Handler::Operator(role, _) | Handler::OperatorTenant(role, _)) => Caller::Operator(*role),
        _ => Caller::Anyone,
    }
}

/// The group of an operation.
pub fn tag(path: &str) -> &'static str {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next(), parts.nth(1)) {
        (Some("admin"), ..) => "admin",
        (_, Some("tenants"), Some("secrets")) => "secrets",
        (_, Some("tenants"), Some("tokens")) => "tokens",
        (_, Some("tenants"), _) => "tenants",
        _ => "plane",
    }
}

/// The groups, in the order in which they are read.
pub fn tags() -> Json {
    json!([
        {"name": "plane", "description": "What there is, what it costs, and whether it is alive. No token."},
        {"name": "tenants", "description": "Signing up, and a tenant's life."},
        {"name": "secrets", "description": "Values that only the tenant's own Worker sees. They can be set, never read."},
        {"name": "tokens", "description": "What is shown to call for a tenant. Two are good at once at most: to replace one, make the second, move over, and revoke the first."},
        {"name": "admin", "description": "For operators, by Cloudflare Access."},
    ])
}

/// The scheme that an operation is secured by.
pub fn security(operation: &Operation) -> Json {
    match caller(operation) {
        Caller::Anyone => json!([]),
        Caller::Owner(scope) => json!([{"token": [scope.as_str()]}]),
        Caller::Operator(role) => json!([{"access": [role.as_str()]}]),
    }
}

/// Every scheme.
pub fn security_schemes() -> Json {
    json!({"access": {
        "type": "apiKey",
        "in": "header",
        "name": "Cf-Access-Jwt-Assertion",
        "description": "The token of Cloudflare Access, which puts it into the request. Each operation says which role it takes: `viewer` or `operator`.",
    }, "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "pcp_…",
        "description": "A token of the tenant in the address: `pcp_` and 51 more characters, shown once when it is made. Each operation says which scope it takes: `read`, `write` or `secrets`. A tenant that is not yours looks like one that does not exist: 404.",
    }})
}

/// Parameters of the address, of the query and of headers.
pub fn parameters(operation: &Operation) -> Vec<Json> {
    let mut parameters: Vec<Json> = operation.path.split('/').filter_map(path_parameter).collect();
    for one in &operation.query {
        let mut examples = Map::new();
        for example in operation.examples.iter().filter(|example| example.status < 400) {
            if let Some((_, value)) = example.query.iter().find(|(name, _)| *name == one.name) {
                let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
                examples.insert(example.key(), json!({"summary": example.title, "value": value}));
            }
        }
        let mut parameter =
            json!({"name": one.name, "in": "query", "description": one.description, "schema": one.schema});
        if let Some(parameter) = parameter.as_object_mut() {
            // A flag without a value is set.
            if one.schema == flag() {
                parameter.insert("allowEmptyValue".to_owned(), json!(true));
            }
            if !examples.is_empty() {
                parameter.insert("examples".to_owned(), Json::Object(examples));
            }
        }
        parameters.push(parameter);
    }
    let mut header = |name: &str| parameters.push(json!({"$ref": format!("#/components/parameters/{name}")}));
    match operation.method {
        Method::GET => header("If-None-Match"),
        Method::POST => header("Idempotency-Key"),
        _ => {}
    }
    if operation.takes_if_match {
        header("If-Match");
    }
    parameters
}

fn path_parameter(part: &str) -> Option<Json> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    Some(json!({"$ref": format!("#/components/parameters/{name}")}))
}

/// Parameters that several operations have.
pub fn shared_parameters() -> Json {
    json!({
        "name": {
            "name": "name", "in": "path", "required": true, "description": "The tenant's name.",
            "schema": {"type": "string", "minLength": 1}, "example": super::example::TENANT,
        },
        "secret": {
            "name": "secret", "in": "path", "required": true, "description": "The secret's name.",
            "schema": secret_name(), "example": super::example::SECRET,
        },
        "token": {
            "name": "token", "in": "path", "required": true, "description": "The token's id; not the token itself.",
            "schema": {"type": "string", "minLength": 1}, "example": super::example::TOKEN_ID,
        },
        "id": {
            "name": "id", "in": "path", "required": true, "description": "The invite's id; not its code.",
            "schema": {"type": "string", "minLength": 1}, "example": super::example::INVITE_ID,
        },
        "release": {
            "name": "release", "in": "path", "required": true, "description": "The release's id.",
            "schema": {"type": "string", "minLength": 1}, "example": super::example::RELEASE_ID,
        },
        "kind": {
            "name": "kind", "in": "path", "required": true, "description": "What it is.",
            "schema": {"enum": ["bucket", "script", "application"]}, "example": "bucket",
        },
        "orphan": {
            "name": "orphan", "in": "path", "required": true, "description": "Its name in Cloudflare.",
            "schema": {"type": "string", "minLength": 1}, "example": super::example::ORPHAN,
        },
        "If-None-Match": {
            "name": "If-None-Match", "in": "header", "schema": {"type": "string"},
            "description": "Entity tags of what you have: if it is still the same, the answer is 304.",
        },
        "If-Match": {
            "name": "If-Match", "in": "header", "schema": {"type": "string"},
            "description": "The entity tag of what you have read: if it has changed since, nothing is done, and the answer is 412.",
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header",
            "schema": {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[!-~]+$"},
            "description": "16 to 128 visible characters, 8 of them different; a random UUID will do. For 24 hours the request can be sent again with the same key: it is answered as before, and does nothing again.",
            "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
        },
    })
}

/// Headers of answers.
pub fn shared_headers() -> Json {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "X-Request-Id": {
            "description": "The request's id: tell the operator when something is wrong.",
            "required": true,
            "schema": {"type": "string", "pattern": "^req_([0-9a-f]{16}|none)$"},
        },
        "ETag": {"description": "The entity tag of the answer.", "required": true, "schema": {"type": "string"}},
        "Location": {"description": "Where what was made is.", "required": true, "schema": {"type": "string"}},
        "Idempotency-Replayed": text("`true`: the key stands for an earlier request, and this is its answer."),
        "RateLimit": text("What is left of a limit (draft-ietf-httpapi-ratelimit-headers)."),
        "RateLimit-Policy": text("What the limits are."),
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
        "WWW-Authenticate": text("Which token is wanted (RFC 6750)."),
    })
}

/// The headers of a problem of this status.
pub fn headers_of(status: u16) -> &'static [&'static str] {
    match status {
        401 | 403 => &["WWW-Authenticate"],
        429 => &["RateLimit", "RateLimit-Policy", "Retry-After"],
        503 => &["Retry-After"],
        _ => &[],
    }
}

/// What can go wrong at every route, at every one of its kind, and at this one.
pub fn problems(operation: &Operation) -> Vec<ApiError> {
    use ApiError as E;
    let mut problems = vec![
        E::Malformed("the address"),
        E::NotAcceptable(""),
        E::Invalid(Vec::new()),
        E::RateLimited(Refusal::TooMany(Limit::Requests.policy())),
        E::Internal(String::new()),
        E::Misconfigured(crate::config::ConfigError(Vec::new())),
        E::Unavailable(String::new()),
    ];
    match caller(operation) {
        Caller::Anyone => {}
        Caller::Owner(scope) => {
            problems.extend([E::TokenMissing, E::TokenMalformed, E::TokenExpired, E::TokenRevoked]);
            problems.extend([E::ScopeMissing(scope), E::NoSuchTenant]);
        }
        Caller::Operator(role) => {
            let nobody = access::Identity::Person(String::new());
            let refusals = [access::Refusal::NotConfigured, access::Refusal::NoToken, access::Refusal::NoRole(nobody)];
            problems.extend(refusals.map(E::NotOperator));
            problems.extend(operation.path.contains("/{name}").then_some(E::NoTenantCalledThat));
            problems.extend((role > Role::Viewer).then_some(E::ViewerOnly));
            problems.extend((operation.method != Method::GET).then_some(E::OtherOrigin));
        }
    }
    if operation.method != Method::GET {
        problems.push(E::TooLarge);
    }
    if operation.method == Method::POST {
        problems.extend([E::KeyMalformed, E::KeyReused, E::KeyUsed]);
    }
    if operation.body.is_some() || operation.method == Method::POST {
        problems.extend([E::UnsupportedMediaType, E::NotJson(String::new())]);
    }
    if operation.takes_if_match {
        problems.push(E::PreconditionFailed);
    }
    problems.extend(operation.problems.iter().cloned());
    problems
}

/// A tenant's name, as somebody may choose it.
pub fn tenant_name() -> Json {
    json!({
        "type": "string",
        "description": "Lower-case letters, digits and hyphens, a letter or digit at both ends. Some words are reserved; ask `/v1/names/{name}`. Never changes.",
        "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        "minLength": 1,
        "maxLength": name::MAX_LENGTH,
        "not": {"enum": name::reserved().collect::<Vec<_>>()},
    })
}

/// A secret's name, as somebody may choose it.
pub fn secret_name() -> Json {
    json!({
        "type": "string",
        "description": "Upper-case letters, digits and underscores, a letter first.",
        "pattern": "^[A-Z][A-Z0-9_]*$",
        "maxLength": secret_name::MAX_NAME_LENGTH,
    })
}

/// Codes of what can go wrong where there is no operation: at no address, by no method, and on pages.
pub const ANYWHERE: [&str; 7] = [
    "no_such_route",
    "method_not_allowed",
    "name_malformed",
    "name_reserved",
    "not_a_form",
    "signed_out",
    "form_too_old",
];
