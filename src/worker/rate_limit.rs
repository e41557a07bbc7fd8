//! Counting by the Workers rate limiting binding.

use futures_util::future::BoxFuture;
use worker::send::SendFuture;
use worker::{Env, RateLimiter as Binding};

use super::{console, error_text};
use crate::log::{Level, Logger};
use crate::rate_limit::{Count, Limit, RateLimiter};

/// The bindings of all limits.
pub struct Bindings {
    sign_ups: Binding,
    requests: Binding,
    log: Logger,
}

impl Bindings {
    /// Takes them out of `env`; an error if one is missing.
    pub fn of(env: &Env) -> worker::Result<Self> {
        let binding = |limit: Limit| env.rate_limiter(limit.policy().binding);
        Ok(Self { sign_ups: binding(Limit::SignUps)?, requests: binding(Limit::Requests)?, log: console::logger() })
    }
}

impl RateLimiter for Bindings {
    fn count<'a>(&'a self, limit: Limit, key: &'a str) -> BoxFuture<'a, Count> {
        let binding = match limit {
            Limit::SignUps => &self.sign_ups,
            Limit::Requests => &self.requests,
        };
        Box::pin(SendFuture::new(async move {
            match binding.limit(key.to_owned()).await {
                Ok(outcome) if outcome.success => Count::Within,
                Ok(_) => Count::Beyond,
                Err(error) => {
                    let line = self.log.line(Level::Warn, "rate_limit").with("limit", limit.policy().name);
                    self.log.write(&line.with("cause", error_text(&error)));
                    Count::Unknown
                }
            }
        }))
    }
}
