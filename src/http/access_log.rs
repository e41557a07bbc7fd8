//! One line in the log for each request.

use std::sync::{Arc, OnceLock};

use axum::extract::{MatchedPath, Request};
use http::StatusCode;

use super::error::Problem;
use crate::log::{Level, Logger, Stopwatch};
use crate::tenant::{Tenant, TenantId, TenantName};

/// Whose token was shown, once that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller(Arc<OnceLock<(TenantId, TenantName)>>);

impl Caller {
    /// The caller has proved to be the owner of `tenant`.
    pub(super) fn is_owner_of(&self, tenant: &Tenant) {
        // One request has one owner; the first to say so stands.
        let _ = self.0.set((tenant.id.clone(), tenant.name.clone()));
    }
}

/// A request that is being answered. Of its address the line has the route's pattern only: a path that no route takes,
/// or a query, may hold anything.
pub(super) struct Entry<'a> {
    log: &'a Logger,
    stopwatch: Stopwatch<'a>,
    method: String,
    route: Option<MatchedPath>,
    caller: Caller,
}

impl<'a> Entry<'a> {
    /// A request that reached the router.
    pub(super) fn of(log: &'a Logger, request: &Request, caller: Caller) -> Self {
        let route = request.extensions().get().cloned();
        Self { log, stopwatch: log.start(), method: request.method().as_str().to_owned(), route, caller }
    }

    /// A request that could not be handed to the router.
    pub(super) fn of_unread(log: &'a Logger, method: &str) -> Self {
        Self { log, stopwatch: log.start(), method: method.to_owned(), route: None, caller: Caller::default() }
    }

    /// Writes the line. The cause of a failure on our side is only here; the answer does not have it.
    pub(super) fn write(self, request_id: &str, status: StatusCode, problem: Option<&Problem>) {
        let level = if status.is_server_error() { Level::Error } else { Level::Info };
        let owner = self.caller.0.get();
        let line = self
            .log
            .line(level, "request")
            .with("request_id", request_id)
            .with("method", self.method)
            .with("route", self.route.as_ref().map(MatchedPath::as_str))
            .with("status", status.as_u16())
            .with("code", problem.map(|problem| problem.code))
            .with("cause", problem.and_then(|problem| problem.cause.clone()))
            .with("tenant", owner.map(|(id, _)| id.0.as_str()))
            .with("tenant_name", owner.map(|(_, name)| name.as_str()))
            .with("ms", self.stopwatch.ms());
        self.log.write(&line);
    }
}
