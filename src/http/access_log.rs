//! One line in the log for each request.

use std::sync::Arc;

use http::StatusCode;

use super::error::Problem;
use crate::app::App;
use crate::entropy;
use crate::log::{Level, Logger, Stopwatch};
use crate::registry::Meter;
use crate::tenant::id::hex;
use crate::tenant::{TenantId, TenantName};

/// A request that is being answered. Of its address the line has the route's pattern only: a path that no route takes,
/// or a query, may hold anything.
pub(super) struct Entry<'a> {
    /// `req_` and 16 hexadecimal digits.
    pub request_id: String,
    /// The pattern of its address, once that is known.
    pub route: Option<&'static str>,
    /// Whether people look at its answers.
    pub is_page: bool,
    /// Which tenant it is about, once that is known.
    pub tenant: Option<(TenantId, TenantName)>,
    /// Whom Access let in, once that is known.
    pub operator: Option<String>,
    /// What it asks of the database.
    pub meter: Option<Arc<Meter>>,
    log: &'a Logger,
    stopwatch: Stopwatch<'a>,
    method: String,
}

impl<'a> Entry<'a> {
    /// A request that has just come.
    pub(super) fn new(app: &'a App, method: &str) -> Self {
        Self {
            request_id: format!("req_{}", hex(&entropy::bytes::<8>(app.entropy.as_ref()))),
            route: None,
            is_page: false,
            tenant: None,
            operator: None,
            meter: None,
            log: &app.log,
            stopwatch: app.log.start(),
            method: method.to_owned(),
        }
    }

    /// Writes the line. The cause of a failure on our side is only here; the answer does not have it.
    pub(super) fn write(self, status: StatusCode, problem: Option<&Problem>) {
        let level = if status.is_server_error() { Level::Error } else { Level::Info };
        let tenant = self.tenant.as_ref();
        // What is nothing is left out.
        let asked = |of: fn(&Meter) -> u64| self.meter.as_deref().map(of).filter(|number| *number > 0);
        let line = self
            .log
            .line(level, "request")
            .with("request_id", self.request_id)
            .with("method", self.method)
            .with("route", self.route)
            .with("status", status.as_u16())
            .with("code", problem.map(|problem| problem.code))
            .with("cause", problem.and_then(|problem| problem.cause.clone()))
            .with("tenant", tenant.map(|(id, _)| id.0.as_str()))
            .with("tenant_name", tenant.map(|(_, name)| name.as_str()))
            .with("operator", self.operator)
            .with("db_calls", asked(Meter::calls))
            .with("db_rows_read", asked(Meter::rows_read))
            .with("ms", self.stopwatch.ms());
        self.log.write(&line);
    }
}
