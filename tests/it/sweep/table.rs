//! What each route is to answer to each caller.

/// Who asks, each of the living tenant `alice` where the address names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Shows nothing.
    Nobody,
    /// Shows a password.
    OtherScheme,
    /// Shows what cannot be a token.
    Malformed,
    /// Shows a token in good form that nobody ever had.
    Unknown,
    /// Shows the token of another tenant.
    Other,
    /// Shows a token of alice's that was revoked.
    Revoked,
    /// Shows a token of alice's whose time is over.
    Expired,
    /// Shows a token of alice's with every scope but this.
    Without(&'static str),
    /// Shows alice's token.
    Own,
    /// Shows the token of a deleted tenant that was called alice, too.
    Tombstone,
    /// Shows what was not signed by Access.
    Forger,
    /// Was let in by Access, and has no role here.
    NoRole,
    /// Was let in by Access to look.
    Viewer,
    /// Was let in by Access to change things.
    Operator,
    /// An operator's browser, by the hand of another site's page.
    OtherSite,
}

impl Caller {
    pub const ALL: [Self; 17] = [
        Self::Nobody,
        Self::OtherScheme,
        Self::Malformed,
        Self::Unknown,
        Self::Other,
        Self::Revoked,
        Self::Expired,
        Self::Without("read"),
        Self::Without("write"),
        Self::Without("secrets"),
        Self::Own,
        Self::Tombstone,
        Self::Forger,
        Self::NoRole,
        Self::Viewer,
        Self::Operator,
        Self::OtherSite,
    ];
}

/// Who is let through. Answers are a status, and the code of a problem.
#[derive(Clone, Copy, Debug)]
pub enum Gate {
    /// Whoever asks, whatever else he shows.
    Public { answer: &'static str },
    /// Whoever has a token of the tenant with this scope; and what is answered about a deleted one.
    Tenant { scope: &'static str, answer: &'static str, of_deleted: &'static str },
    /// A page for whoever looks at it, or for whoever has opened the tenant with its token, which none of these callers has
    /// in a browser; `tests/it/site.rs` is about those who have. Or a form, which a page of the site has to send.
    Page { answer: &'static str },
    /// Whoever has this role.
    Operator { role: &'static str, answer: &'static str },
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

const fn page(method: &'static str, path: &'static str, answer: &'static str) -> Row {
    Row { method, path, body: "", gate: Gate::Page { answer } }
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

/// Every route there is. One that is missing here, or is here and nowhere else, fails the test.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    //   method    path                               answer
    page("GET",    "/",                               "200"),
    page("GET",    "/signup",                         "200"),
    page("POST",   "/signup",                         "403"),
    page("GET",    "/signup/name",                    "200"),
    page("POST",   "/session",                        "403"),
    page("POST",   "/session/end",                    "403"),
    page("GET",    "/tenants/{name}",                 "303"),
    page("GET",    "/tenants/{name}/progress",        "401"),
    page("POST",   "/tenants/{name}/spec",            "403"),
    page("POST",   "/tenants/{name}/secrets",         "403"),
    page("POST",   "/tenants/{name}/secrets/delete",  "403"),
    page("POST",   "/tenants/{name}/tokens",          "403"),
    page("POST",   "/tenants/{name}/tokens/revoke",   "403"),
    page("POST",   "/tenants/{name}/suspend",         "403"),
    page("POST",   "/tenants/{name}/resume",          "403"),
    page("POST",   "/tenants/{name}/delete",          "403"),
    page("POST",   "/tenants/{name}/undelete",        "403"),

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
    operator("viewer",   "GET",    "/admin/api/invites",      "",                    "200"),
    operator("operator", "POST",   "/admin/api/invites",      r#"{"owner":"acme"}"#, "201"),
    operator("operator", "DELETE", "/admin/api/invites/{id}", "",                    "200"),
];

impl Row {
    /// Whether people look at its answers.
    pub fn is_page(&self) -> bool {
        matches!(self.gate, Gate::Page { .. })
    }

    /// What `caller` is to be answered.
    pub fn answer_to(&self, caller: Caller) -> &'static str {
        match self.gate {
            Gate::Public { answer } | Gate::Page { answer } => answer,
            Gate::Tenant { scope, answer, of_deleted } => match caller {
                Caller::Nobody | Caller::OtherScheme => "401 token_missing",
                Caller::Malformed => "401 token_malformed",
                Caller::Unknown | Caller::Other => "404 no_such_tenant",
                Caller::Revoked => "401 token_revoked",
                Caller::Expired => "401 token_expired",
                Caller::Without(missing) if missing == scope => "403 scope_missing",
                // The token in the address has every scope: whoever has less cannot revoke it.
                Caller::Without(_) if self.path.ends_with("/tokens/{token}") => "403 scope_missing",
                Caller::Without(_) | Caller::Own => answer,
                Caller::Tombstone => of_deleted,
                Caller::Forger | Caller::NoRole | Caller::Viewer | Caller::Operator | Caller::OtherSite => {
                    "401 token_missing"
                }
            },
            Gate::Operator { role, answer } => match caller {
                Caller::NoRole => "403 no_role",
                Caller::Viewer if role == "operator" => "403 viewer_only",
                Caller::OtherSite if self.method != "GET" => "403 other_origin",
                Caller::Viewer | Caller::Operator | Caller::OtherSite => answer,
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
