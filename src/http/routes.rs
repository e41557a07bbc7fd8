//! Every route, in one table. Who may call a route is the kind of its handler, so a route cannot forget to ask.

use std::sync::OnceLock;

use futures_util::future::BoxFuture;
use http::Method;
use matchit::{Params, Router};

use super::api::{self, operator};
use super::auth::Subject;
use super::call::Call;
use super::console;
use super::error::ApiError;
use super::reply::{HTML, JSON, JSON_LINES, JSONC, Response};
use super::site;
use super::site::form::Form;
use super::site::session::Session;
use crate::access::{Operator, Role};
use crate::vault::Scope;

pub(super) type Answer = BoxFuture<'static, Result<Response, ApiError>>;

/// One method of one address.
pub struct Route {
    /// Its method. `HEAD` goes with `GET`, and every address answers `OPTIONS`.
    pub method: Method,
    /// Its address, with `{…}` for what varies.
    pub path: &'static str,
    /// Who may call it, and what answers.
    pub handler: Handler,
    /// The media type of a good answer.
    pub produces: &'static str,
}

/// Who may call a route, and what answers.
pub enum Handler {
    /// Whoever asks.
    Public(fn(Call) -> Answer),
    /// Whoever shows a token of the tenant in the address that is good for the scope.
    Tenant(Scope, fn(Call, Subject) -> Answer),
    /// Whoever looks at it: a page that needs no session, or its form.
    Page(fn(Call) -> Answer),
    /// Whoever has opened the tenant in the address with its token: a page.
    Session(fn(Call, Session) -> Answer),
    /// The same: a form of such a page.
    Form(fn(Call, Session, Form) -> Answer),
    /// Whoever Cloudflare Access let in, with this role or a greater one: a page.
    Console(Role, fn(Call, Operator) -> Answer),
    /// The same: a form of such a page.
    ConsoleForm(Role, fn(Call, Operator, Form) -> Answer),
    /// Whoever Cloudflare Access let in, with this role or a greater one.
    Operator(Role, fn(Call, Operator) -> Answer),
    /// The same, about the tenant in the address: any.
    OperatorTenant(Role, fn(Call, Subject) -> Answer),
}

/// A page, or the answer to a form.
const fn page(method: Method, path: &'static str, handler: Handler) -> Route {
    Route { method, path, handler, produces: HTML }
}

const fn route(method: Method, path: &'static str, handler: Handler) -> Route {
    Route { method, path, handler, produces: JSON }
}

/// A handler that anyone may call.
macro_rules! public {
    ($handler:path) => {
        Handler::Public(|call| Box::pin($handler(call)))
    };
}

/// A handler for the owner of a tenant.
macro_rules! tenant {
    ($scope:ident, $handler:path) => {
        Handler::Tenant(Scope::$scope, |call, subject| Box::pin($handler(call, subject)))
    };
}

/// A page for whoever looks at it.
macro_rules! open_page {
    ($handler:path) => {
        Handler::Page(|call| Box::pin($handler(call)))
    };
}

/// A page of a session.
macro_rules! session {
    ($handler:path) => {
        Handler::Session(|call, session| Box::pin($handler(call, session)))
    };
}

/// A form of a session.
macro_rules! form {
    ($handler:path) => {
        Handler::Form(|call, session, form| Box::pin($handler(call, session, form)))
    };
}

/// A page of those who run the plane.
macro_rules! console {
    ($role:ident, $handler:path) => {
        Handler::Console(Role::$role, |call, operator| Box::pin($handler(call, operator)))
    };
}

/// A form of such a page.
macro_rules! console_form {
    ($role:ident, $handler:path) => {
        Handler::ConsoleForm(Role::$role, |call, operator, form| Box::pin($handler(call, operator, form)))
    };
}

/// A handler for those who run the plane.
macro_rules! operator {
    ($role:ident, $handler:path) => {
        Handler::Operator(Role::$role, |call, operator| Box::pin($handler(call, operator)))
    };
}

/// A handler for those who run the plane, about any tenant.
macro_rules! operator_tenant {
    ($role:ident, $handler:path) => {
        Handler::OperatorTenant(Role::$role, |call, subject| Box::pin($handler(call, subject)))
    };
}

/// The table. Routes of the same address stand together.
pub static ROUTES: [Route; 86] = [
    page(Method::GET, "/", open_page!(site::home::read)),
    page(Method::GET, "/signup", open_page!(site::signup::read)),
    page(Method::POST, "/signup", open_page!(site::signup::create)),
    page(Method::GET, "/signup/name", open_page!(site::signup::check_name)),
    page(Method::POST, "/session", open_page!(site::sign_in::begin)),
    page(Method::POST, "/session/end", open_page!(site::sign_in::end)),
    page(Method::GET, "/tenants/{name}", session!(site::tenant::read)),
    page(Method::GET, "/tenants/{name}/progress", session!(site::tenant::progress)),
    page(Method::POST, "/tenants/{name}/spec", form!(site::acts::spec)),
    page(Method::POST, "/tenants/{name}/secrets", form!(site::acts::secrets)),
    page(Method::POST, "/tenants/{name}/secrets/delete", form!(site::acts::delete_secret)),
    page(Method::POST, "/tenants/{name}/tokens", form!(site::acts::make_token)),
    page(Method::POST, "/tenants/{name}/tokens/revoke", form!(site::acts::revoke_token)),
    page(Method::POST, "/tenants/{name}/suspend", form!(site::acts::suspend)),
    page(Method::POST, "/tenants/{name}/resume", form!(site::acts::resume)),
    page(Method::POST, "/tenants/{name}/delete", form!(site::acts::delete)),
    page(Method::POST, "/tenants/{name}/undelete", form!(site::acts::undelete)),
    page(Method::GET, "/admin/tenants/{name}", console!(Viewer, console::tenant::read)),
    page(Method::GET, "/admin/tenants/{name}/live", console!(Viewer, console::tenant::live)),
    page(Method::POST, "/admin/tenants/{name}/act", console_form!(Operator, console::tenant::act)),
    page(Method::GET, "/admin", console!(Viewer, console::fleet::read)),
    page(Method::GET, "/admin/fleet/live", console!(Viewer, console::fleet::live)),
    page(Method::POST, "/admin/tenants/act", console_form!(Operator, console::fleet::act)),
    page(Method::GET, "/admin/invites", console!(Viewer, console::invites::read)),
    page(Method::POST, "/admin/invites", console_form!(Operator, console::invites::create)),
    page(Method::POST, "/admin/invites/revoke", console_form!(Operator, console::invites::revoke)),
    page(Method::GET, "/admin/releases", console!(Viewer, console::releases::read)),
    page(Method::POST, "/admin/releases/default", console_form!(Operator, console::releases::make_default)),
    page(Method::GET, "/admin/sweeps", console!(Viewer, console::sweeps::read)),
    page(Method::POST, "/admin/orphans/delete", console_form!(Operator, console::sweeps::delete_orphan)),
    page(Method::GET, "/admin/audit", console!(Viewer, console::audit::read)),
    page(Method::GET, "/admin/doctor", console!(Viewer, console::doctor::read)),
    route(Method::GET, "/healthz", public!(api::health::read)),
    route(Method::GET, "/v1/instance-types", public!(api::instance_types::list)),
    route(Method::GET, "/v1/estimate", public!(api::estimate::read)),
    route(Method::GET, "/v1/names/{name}", public!(api::names::read)),
    route(Method::POST, "/v1/tenants", public!(api::sign_up::create)),
    route(Method::GET, "/v1/tenants/{name}", tenant!(Read, api::tenant::read)),
    route(Method::PATCH, "/v1/tenants/{name}", tenant!(Write, api::tenant::change)),
    route(Method::DELETE, "/v1/tenants/{name}", tenant!(Write, api::tenant::delete)),
    route(Method::POST, "/v1/tenants/{name}/suspend", tenant!(Write, api::lifecycle::suspend)),
    route(Method::POST, "/v1/tenants/{name}/resume", tenant!(Write, api::lifecycle::resume)),
    route(Method::POST, "/v1/tenants/{name}/undelete", tenant!(Write, api::lifecycle::undelete)),
    route(Method::GET, "/v1/tenants/{name}/receipt", tenant!(Read, api::receipt::read)),
    route(Method::GET, "/v1/tenants/{name}/events", tenant!(Read, api::events::list)),
    route(Method::GET, "/v1/tenants/{name}/secrets", tenant!(Read, api::secrets::list)),
    route(Method::PATCH, "/v1/tenants/{name}/secrets", tenant!(Secrets, api::secrets::change)),
    route(Method::PUT, "/v1/tenants/{name}/secrets/{secret}", tenant!(Secrets, api::secrets::set)),
    route(Method::DELETE, "/v1/tenants/{name}/secrets/{secret}", tenant!(Secrets, api::secrets::delete)),
    route(Method::GET, "/v1/tenants/{name}/tokens", tenant!(Read, api::tokens::list)),
    route(Method::POST, "/v1/tenants/{name}/tokens", tenant!(Write, api::tokens::create)),
    route(Method::DELETE, "/v1/tenants/{name}/tokens/{token}", tenant!(Write, api::tokens::revoke)),
    Route {
        method: Method::GET,
        path: "/v1/tenants/{name}/wrangler.jsonc",
        handler: tenant!(Read, api::wrangler_config::read),
        produces: JSONC,
    },
    route(Method::GET, "/admin/api/doctor", operator!(Viewer, operator::doctor::read)),
    route(Method::GET, "/admin/api/invites", operator!(Viewer, operator::invites::list)),
    route(Method::POST, "/admin/api/invites", operator!(Operator, operator::invites::create)),
    route(Method::DELETE, "/admin/api/invites/{id}", operator!(Operator, operator::invites::revoke)),
    route(Method::POST, "/admin/api/acts", operator!(Operator, operator::acts::create)),
    route(Method::GET, "/admin/api/fleet", operator!(Viewer, operator::fleet::read)),
    route(Method::GET, "/admin/api/tenants", operator!(Viewer, operator::fleet::list)),
    route(Method::GET, "/admin/api/tenants/{name}", operator_tenant!(Viewer, operator::tenant::read)),
    route(Method::PATCH, "/admin/api/tenants/{name}", operator_tenant!(Operator, api::tenant::change)),
    route(Method::DELETE, "/admin/api/tenants/{name}", operator_tenant!(Operator, api::tenant::delete)),
    route(Method::POST, "/admin/api/tenants/{name}/suspend", operator_tenant!(Operator, api::lifecycle::suspend)),
    route(Method::POST, "/admin/api/tenants/{name}/resume", operator_tenant!(Operator, api::lifecycle::resume)),
    route(Method::POST, "/admin/api/tenants/{name}/undelete", operator_tenant!(Operator, api::lifecycle::undelete)),
    route(Method::POST, "/admin/api/tenants/{name}/retry", operator_tenant!(Operator, operator::verbs::retry)),
    route(Method::POST, "/admin/api/tenants/{name}/pause", operator_tenant!(Operator, operator::verbs::pause)),
    route(Method::POST, "/admin/api/tenants/{name}/unpause", operator_tenant!(Operator, operator::verbs::unpause)),
    route(Method::PUT, "/admin/api/tenants/{name}/release", operator_tenant!(Operator, operator::verbs::release)),
    route(Method::PUT, "/admin/api/tenants/{name}/trial", operator_tenant!(Operator, operator::verbs::trial)),
    route(Method::GET, "/admin/api/tenants/{name}/receipt", operator_tenant!(Viewer, api::receipt::read)),
    route(Method::GET, "/admin/api/tenants/{name}/events", operator_tenant!(Viewer, api::events::list)),
    route(Method::GET, "/admin/api/tenants/{name}/secrets", operator_tenant!(Viewer, api::secrets::list)),
    route(Method::GET, "/admin/api/tenants/{name}/tokens", operator_tenant!(Viewer, api::tokens::list)),
    route(Method::POST, "/admin/api/tenants/{name}/tokens", operator_tenant!(Operator, api::tokens::create)),
    route(
        Method::DELETE,
        "/admin/api/tenants/{name}/tokens",
        operator_tenant!(Operator, operator::verbs::revoke_tokens),
    ),
    route(Method::DELETE, "/admin/api/tenants/{name}/tokens/{token}", operator_tenant!(Operator, api::tokens::revoke)),
    route(Method::GET, "/admin/api/releases", operator!(Viewer, operator::releases::list)),
    route(Method::PUT, "/admin/api/releases/{release}/default", operator!(Operator, operator::releases::make_default)),
    route(Method::GET, "/admin/api/sweeps", operator!(Viewer, operator::sweeps::list)),
    route(Method::GET, "/admin/api/orphans", operator!(Viewer, operator::orphans::list)),
    route(Method::DELETE, "/admin/api/orphans/{kind}/{orphan}", operator!(Operator, operator::orphans::delete)),
    route(Method::GET, "/admin/api/audit", operator!(Viewer, operator::audit::list)),
    route(Method::GET, "/admin/api/audit/check", operator!(Viewer, operator::audit::check)),
    Route {
        method: Method::GET,
        path: "/admin/api/audit.jsonl",
        handler: operator!(Viewer, operator::audit::export),
        produces: JSON_LINES,
    },
];

/// The routes of the address that `path` is, and what varies in it, still percent-encoded.
pub(super) fn find(path: &str) -> Option<(&'static [&'static Route], Params<'static, '_>)> {
    static ADDRESSES: OnceLock<Router<Vec<&'static Route>>> = OnceLock::new();
    let found = ADDRESSES.get_or_init(addresses).at(path).ok()?;
    Some((found.value, found.params))
}

fn addresses() -> Router<Vec<&'static Route>> {
    let mut addresses = Router::new();
    for at_path in ROUTES.chunk_by(|one, next| one.path == next.path) {
        let routes = at_path.iter().collect();
        // Two addresses in each other's way are a fault of the table, which a test finds.
        let inserted = addresses.insert(at_path.first().map_or("", |route| route.path), routes);
        debug_assert!(inserted.is_ok(), "{inserted:?}");
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_table_is_found_at_its_address() {
        for route in &ROUTES {
            let (found, _) = find(route.path).unwrap_or_else(|| panic!("{}", route.path));
            assert_eq!(found.iter().filter(|one| std::ptr::eq(**one, route)).count(), 1, "{}", route.path);
            assert_eq!(found.iter().filter(|one| one.method == route.method).count(), 1, "{}", route.path);
        }
    }
}
