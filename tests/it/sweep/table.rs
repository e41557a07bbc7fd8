//! What each route is to answer to each caller.

use super::caller::{Caller, Cookie, Desk, Flaw};

/// Who is let through. Answers are a status, and the code of a problem or where a browser is sent on: the word of what was
/// done, if it is back to the tenant's page.
#[derive(Clone, Copy, Debug)]
pub enum Gate {
    /// Whoever asks, whatever else he shows.
    Public { answer: &'static str },
    /// Whoever has a token of the tenant with this scope; and what is answered about a deleted one.
    Tenant { scope: &'static str, answer: &'static str, of_deleted: &'static str },
    /// A page for whoever looks at it.
    Page { answer: &'static str },
    /// A form of such a page: whoever sends it from there, and proves it if there is a session to prove it of.
    OpenForm { is_proved: bool, answer: &'static str },
    /// A page for whoever has opened the tenant with its token; and what all others are answered.
    Session { answer: &'static str, stranger: &'static str },
    /// A form of such a page, with the scope that the token has to have; and what is answered about a deleted tenant.
    Form { scope: &'static str, answer: &'static str, of_deleted: &'static str },
    /// Whoever has this role.
    Operator { role: &'static str, answer: &'static str },
    /// The same: a page.
    Console { role: &'static str, answer: &'static str },
    /// The same: a form of such a page.
    ConsoleForm { role: &'static str, answer: &'static str },
}

/// One route.
#[derive(Debug)]
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub body: &'static str,
    pub gate: Gate,
}

const fn public(method: &'static str, path: &'static str, body: &'static str, answer: &'static str) -> Row {
    Row { method, path, body, gate: Gate::Public { answer } }
}

const fn page(path: &'static str, answer: &'static str) -> Row {
    Row { method: "GET", path, body: "", gate: Gate::Page { answer } }
}

const fn open_form(is_proved: bool, path: &'static str, body: &'static str, answer: &'static str) -> Row {
    Row { method: "POST", path, body, gate: Gate::OpenForm { is_proved, answer } }
}

const fn session(path: &'static str, answer: &'static str, stranger: &'static str) -> Row {
    Row { method: "GET", path, body: "", gate: Gate::Session { answer, stranger } }
}

const fn form(
    scope: &'static str,
    path: &'static str,
    body: &'static str,
    answer: &'static str,
    of_deleted: &'static str,
) -> Row {
    Row { method: "POST", path, body, gate: Gate::Form { scope, answer, of_deleted } }
}

const fn tenant(
    scope: &'static str,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    answer: &'static str,
    of_deleted: &'static str,
) -> Row {
    Row { method, path, body, gate: Gate::Tenant { scope, answer, of_deleted } }
}

const fn operator(
    role: &'static str,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    answer: &'static str,
) -> Row {
    Row { method, path, body, gate: Gate::Operator { role, answer } }
}

const fn console(role: &'static str, path: &'static str, answer: &'static str) -> Row {
    Row { method: "GET", path, body: "", gate: Gate::Console { role, answer } }
}

const fn console_form(role: &'static str, path: &'static str, body: &'static str, answer: &'static str) -> Row {
    Row { method: "POST", path, body, gate: Gate::ConsoleForm { role, answer } }
}

/// Every route there is. One that is missing here, or is here and nowhere else, fails the test.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    //        path                                  answer  of strangers
    page(     "/",                                  "200"),
    page(     "/signup",                            "200"),
    page(     "/signup/name",                       "200"),
    session(  "/tenants/{name}",                    "200",  "303 /?name=alice#open"),
    session(  "/tenants/{name}/progress",           "200",  "401 signed_out"),

    //        proved     path                       body                                                         answer
    open_form(false,     "/signup",                 "name=carol&idempotency_key=0123456789abcdef0123456789abcdef", "200"),
    open_form(false,     "/session",                "name=bob&token={bobs-token}",                               "303 /tenants/bob"),
    open_form(true,      "/session/end",            "",                                                          "303 /"),

    //   scope      path                            body                                       answer                of a deleted tenant
    form("write",   "/tenants/{name}/spec",         "generation=1&instance_type=standard-2",   "303 saved",          "422"),
    form("secrets", "/tenants/{name}/secrets",      "value.OTHER=planted-by-form",             "303 secrets",        "422"),
    form("secrets", "/tenants/{name}/secrets/delete", "name={secret}",                         "303 secret-deleted", "422"),
    form("write",   "/tenants/{name}/tokens",       "scope=write",                             "200",                "422"),
    form("write",   "/tenants/{name}/tokens/revoke", "id={token}",                             "303 revoked",        "422"),
    form("write",   "/tenants/{name}/suspend",      "confirm={name}",                          "303 suspended",      "422"),
    form("write",   "/tenants/{name}/resume",       "",                                        "303 resumed",        "422"),
    form("write",   "/tenants/{name}/delete",       "confirm={name}",                          "303 deleted",        "303 deleted"),
    form("write",   "/tenants/{name}/undelete",     "",                                        "303 saved",          "422"),

    //             method    path                                    body                  answer
    public(        "GET",    "/healthz",                             "",                   "200"),
    public(        "GET",    "/v1/instance-types",                   "",                   "200"),
    public(        "GET",    "/v1/estimate",                         "",                   "200"),
    public(        "GET",    "/v1/names/{name}",                     "",                   "200"),
    public(        "POST",   "/v1/tenants",                          r#"{"name":"carol"}"#, "202"),

    //      scope      method    path                                body                                answer  of a deleted tenant
    tenant("read",    "GET",    "/v1/tenants/{name}",                "",                                 "200",  "200"),
    tenant("write",   "PATCH",  "/v1/tenants/{name}",                r#"{"spec":{"max_instances":2}}"#,  "202",  "409 being_deleted"),
    tenant("write",   "DELETE", "/v1/tenants/{name}",                "",                                 "202",  "200"),
    tenant("write",   "POST",   "/v1/tenants/{name}/suspend",        "",                                 "202",  "409 being_deleted"),
    tenant("write",   "POST",   "/v1/tenants/{name}/resume",         "",                                 "200",  "409 being_deleted"),
    tenant("write",   "POST",   "/v1/tenants/{name}/undelete",       "",                                 "200",  "409 data_gone"),
    tenant("read",    "GET",    "/v1/tenants/{name}/receipt",        "",                                 "404 not_deleted", "200"),
    tenant("read",    "GET",    "/v1/tenants/{name}/events",         "",                                 "200",  "200"),
    tenant("read",    "GET",    "/v1/tenants/{name}/secrets",        "",                                 "200",  "200"),
    tenant("secrets", "PATCH",  "/v1/tenants/{name}/secrets",        r#"{"A":"planted-by-patch"}"#,      "202",  "409 being_deleted"),
    tenant("secrets", "PUT",    "/v1/tenants/{name}/secrets/{secret}", r#"{"value":"planted-by-put"}"#,  "202",  "409 being_deleted"),
    tenant("secrets", "DELETE", "/v1/tenants/{name}/secrets/{secret}", "",                               "202",  "409 being_deleted"),
    tenant("read",    "GET",    "/v1/tenants/{name}/tokens",         "",                                 "200",  "200"),
    tenant("write",   "POST",   "/v1/tenants/{name}/tokens",         "{}",                               "201",  "409 being_deleted"),
    tenant("write",   "DELETE", "/v1/tenants/{name}/tokens/{token}", "",                                 "200",  "404 no_such_token"),
    tenant("read",    "GET",    "/v1/tenants/{name}/wrangler.jsonc", "",                                 "200",  "200"),

    //        role        method    path                       body                   answer
    operator("viewer",   "GET",    "/admin/api/doctor",       "",                    "200"),
    operator("viewer",   "GET",    "/admin/api/invites",      "",                    "200"),
    operator("operator", "POST",   "/admin/api/invites",      r#"{"owner":"acme"}"#, "201"),
    operator("operator", "DELETE", "/admin/api/invites/{id}", "",                    "200"),
    operator("operator", "POST",   "/admin/api/acts", r#"{"act":"retry","tenants":["nobody"]}"#, "200"),
    operator("viewer",   "GET",    "/admin/api/fleet",                   "",                                "200"),
    operator("viewer",   "GET",    "/admin/api/tenants",                 "",                                "200"),
    operator("viewer",   "GET",    "/admin/api/tenants/{name}",          "",                                "200"),
    operator("operator", "PATCH",  "/admin/api/tenants/{name}",          r#"{"spec":{"instance_type":"lite"}}"#, "202"),
    operator("operator", "DELETE", "/admin/api/tenants/{name}",          "",                                "202"),
    operator("operator", "POST",   "/admin/api/tenants/{name}/suspend",  "",                                "202"),
    operator("operator", "POST",   "/admin/api/tenants/{name}/resume",   "",                                "200"),
    operator("operator", "POST",   "/admin/api/tenants/{name}/undelete", "",                                "200"),
    operator("operator", "POST",   "/admin/api/tenants/{name}/retry",    "",                                "202"),
    operator("operator", "POST",   "/admin/api/tenants/{name}/pause",    "",                                "202"),
    operator("operator", "POST",   "/admin/api/tenants/{name}/unpause",  "",                                "200"),
    operator("operator", "PUT",    "/admin/api/tenants/{name}/release",  "{}",                              "200"),
    operator("operator", "PUT",    "/admin/api/tenants/{name}/trial",    r#"{"ends_at":"2030-01-01T00:00:00Z"}"#, "202"),
    operator("viewer",   "GET",    "/admin/api/tenants/{name}/receipt",  "",                                "404 not_deleted"),
    operator("viewer",   "GET",    "/admin/api/tenants/{name}/events",   "",                                "200"),
    operator("viewer",   "GET",    "/admin/api/tenants/{name}/secrets",  "",                                "200"),
    operator("viewer",   "GET",    "/admin/api/tenants/{name}/tokens",   "",                                "200"),
    operator("operator", "POST",   "/admin/api/tenants/{name}/tokens",   "{}",                              "201"),
    operator("operator", "DELETE", "/admin/api/tenants/{name}/tokens",   "",                                "200"),
    operator("operator", "DELETE", "/admin/api/tenants/{name}/tokens/{token}", "",                          "200"),
    operator("viewer",   "GET",    "/admin/api/releases",                "",                                "200"),
    operator("operator", "PUT",    "/admin/api/releases/{release}/default", "",                             "404 no_such_release"),
    operator("viewer",   "GET",    "/admin/api/sweeps",                  "",                                "200"),
    operator("viewer",   "GET",    "/admin/api/orphans",                 "",                                "200"),
    operator("operator", "DELETE", "/admin/api/orphans/{kind}/{orphan}", "",                                "404 no_such_orphan"),
    operator("viewer",   "GET",    "/admin/api/audit",                   "",                                "200"),
    operator("viewer",   "GET",    "/admin/api/audit/check",             "",                                "200"),
    operator("viewer",   "GET",    "/admin/api/audit.jsonl",             "",                                "200"),

    //           role        path                     body                       answer
    console(     "viewer",   "/admin",                                           "200"),
    console(     "viewer",   "/admin/fleet/live",                                "200"),
    console_form("operator", "/admin/tenants/act",    "act=retry&tenant=none",   "422 invalid"),
    console(     "viewer",   "/admin/tenants/{name}",                            "200"),
    console(     "viewer",   "/admin/tenants/{name}/live",                       "200"),
    console_form("operator", "/admin/tenants/{name}/act", "act=retry&generation=1", "303 retry"),
    console(     "viewer",   "/admin/invites",                                   "200"),
    console_form("operator", "/admin/invites",        "owner=acme",              "200"),
    console_form("operator", "/admin/invites/revoke", "id={id}",                 "303 revoked"),
    console(     "viewer",   "/admin/releases",                                  "200"),
    console_form("operator", "/admin/releases/default", "id=rel_none",           "404 no_such_release"),
    console(     "viewer",   "/admin/sweeps",                                    "200"),
    console_form("operator", "/admin/orphans/delete", "kind=bucket&name=x&confirm=x", "404 no_such_orphan"),
    console(     "viewer",   "/admin/audit",                                     "200"),
    console(     "viewer",   "/admin/doctor",                                    "200"),
];

impl Row {
    /// Whether people look at its answers.
    pub fn is_page(&self) -> bool {
        !matches!(self.gate, Gate::Public { .. } | Gate::Tenant { .. } | Gate::Operator { .. })
    }

    /// Whether operators look at its answers.
    pub fn is_console(&self) -> bool {
        matches!(self.gate, Gate::Console { .. } | Gate::ConsoleForm { .. })
    }

    /// Whether a good answer to it may begin or end a session.
    pub fn sets_cookie(&self) -> bool {
        matches!(self.gate, Gate::OpenForm { .. })
    }

    /// What `caller` is to be answered.
    pub fn answer_to(&self, caller: Caller) -> &'static str {
        let is_flawed = matches!(caller, Caller::BadForm(Flaw::NoProof | Flaw::OthersProof));
        // The token in the body or the address has every scope: whoever has less cannot revoke it.
        let is_beyond = self.path.contains("/tokens/");
        match self.gate {
            Gate::Public { answer } | Gate::Page { answer } => answer,
            Gate::OpenForm { .. } | Gate::Form { .. } if !caller.is_on_own_page() => "403 other_origin",
            Gate::OpenForm { is_proved: true, .. } | Gate::Form { .. } if is_flawed => "403 form_too_old",
            Gate::OpenForm { answer, .. } => answer,
            Gate::Session { answer, stranger } => {
                if caller.has_session() {
                    answer
                } else {
                    stranger
                }
            }
            Gate::Form { scope, answer, of_deleted } => match caller {
                Caller::Session(Cookie::Own) => answer,
                Caller::Session(Cookie::Without(missing)) if missing == scope => "403 scope_missing",
                Caller::Session(Cookie::Without(_)) if is_beyond => "422",
                Caller::Session(Cookie::Without(_)) => answer,
                Caller::Session(Cookie::Tombstone) => of_deleted,
                _ => "401 signed_out",
            },
            Gate::Tenant { scope, answer, of_deleted } => match caller {
                Caller::Malformed => "401 token_malformed",
                Caller::Unknown | Caller::Other => "404 no_such_tenant",
                Caller::Revoked => "401 token_revoked",
                Caller::Expired => "401 token_expired",
                Caller::Without(missing) if missing == scope => "403 scope_missing",
                Caller::Without(_) if is_beyond => "403 scope_missing",
                Caller::Without(_) | Caller::Own | Caller::VisitorWithToken => answer,
                Caller::Tombstone => of_deleted,
                // A session among them: its cookie is nothing here.
                _ => "401 token_missing",
            },
            Gate::Operator { role, answer } => match caller {
                Caller::NoRole => "403 no_role",
                Caller::Viewer | Caller::Desk(Desk::Viewer) if role == "operator" => "403 viewer_only",
                Caller::OtherSite | Caller::Desk(Desk::OtherSite) if self.method != "GET" => "403 other_origin",
                Caller::Viewer | Caller::Operator | Caller::OtherSite | Caller::Desk(_) => answer,
                _ => "401 not_operator",
            },
            Gate::Console { role, answer } => match caller {
                Caller::NoRole => "403 no_role",
                Caller::Forger => "401 not_operator",
                Caller::Viewer | Caller::Desk(Desk::Viewer) if role == "operator" => "403 viewer_only",
                Caller::Viewer | Caller::Operator | Caller::OtherSite | Caller::Desk(_) => answer,
                // With the way to Access.
                _ => "401",
            },
            Gate::ConsoleForm { .. } if !caller.is_on_own_page() => "403 other_origin",
            Gate::ConsoleForm { role, answer } => match caller {
                Caller::Desk(Desk::Viewer) if role == "operator" => "403 viewer_only",
                Caller::Desk(Desk::NoProof | Desk::OthersProof) => "403 form_too_old",
                Caller::Desk(_) => answer,
                _ => "401 not_operator",
            },
        }
    }

    /// What every other method of its address is answered with.
    pub fn allow(&self) -> Vec<&'static str> {
        let at_path = TABLE.iter().filter(|row| row.path == self.path);
        let mut methods: Vec<&str> = at_path.map(|row| row.method).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods
    }
}
