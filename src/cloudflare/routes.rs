//! How a Worker is reached: its hostname on workers.dev, and the times at which cron calls it.

use http::HeaderName;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Client, or_default};
use super::error::Error;
use super::operation::Operation;

/// Whether a script answers on workers.dev.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ScriptSubdomain {
    /// At `https://<script>.<account's subdomain>.workers.dev`.
    #[serde(default, deserialize_with = "or_default")]
    pub enabled: bool,
    /// Also each version at a hostname of its own.
    #[serde(default, deserialize_with = "or_default")]
    pub previews_enabled: bool,
}

#[derive(Deserialize)]
struct AccountSubdomain {
    subdomain: String,
}

#[derive(Default, Deserialize)]
struct Schedules {
    #[serde(default, deserialize_with = "or_default")]
    schedules: Vec<Schedule>,
}

#[derive(Serialize, Deserialize)]
struct Schedule {
    cron: String,
}

impl Schedules {
    fn into_crons(self) -> Vec<String> {
        self.schedules.into_iter().map(|schedule| schedule.cron).collect()
    }
}

/// What wrangler sends with this one call.
const API_DATE: HeaderName = HeaderName::from_static("cloudflare-workers-script-api-date");

impl Client {
    /// `GET workers/subdomain`: the `example` of `example.workers.dev`.
    /// [`Verdict::Missing`](super::Verdict::Missing) if the account has none.
    pub async fn get_account_subdomain(&self) -> Result<String, Error> {
        let found: AccountSubdomain = self.call(Operation::AccountSubdomainGet, &[]).fetch().await?;
        Ok(found.subdomain)
    }

    /// `GET workers/scripts/{script}/subdomain`.
    pub async fn get_script_subdomain(&self, script: &str) -> Result<ScriptSubdomain, Error> {
        self.call(Operation::ScriptSubdomainGet, &[script]).fetch().await
    }

    /// `POST workers/scripts/{script}/subdomain`: opens or closes the hostname to the public, previews stay closed.
    /// Twice: the same.
    pub async fn set_script_subdomain(&self, script: &str, enabled: bool) -> Result<ScriptSubdomain, Error> {
        let call = self.call(Operation::ScriptSubdomainSet, &[script]).header(API_DATE, "2025-08-01");
        call.json(&json!({ "enabled": enabled, "previews_enabled": false })).fetch().await
    }

    /// `DELETE workers/scripts/{script}/subdomain`: closes the hostname. Twice: the same, or
    /// [`Verdict::Done`](super::Verdict::Done).
    pub async fn delete_script_subdomain(&self, script: &str) -> Result<(), Error> {
        self.call(Operation::ScriptSubdomainDelete, &[script]).run().await
    }

    /// `GET workers/scripts/{script}/schedules`: cron expressions.
    pub async fn get_schedules(&self, script: &str) -> Result<Vec<String>, Error> {
        let found: Option<Schedules> = self.call(Operation::SchedulesGet, &[script]).fetch().await?;
        Ok(found.unwrap_or_default().into_crons())
    }

    /// `PUT workers/scripts/{script}/schedules`: these times and no others; none switches cron off. Takes up to 15
    /// minutes to spread. Twice: the same.
    pub async fn put_schedules(&self, script: &str, crons: &[String]) -> Result<(), Error> {
        let schedules: Vec<_> = crons.iter().map(|cron| Schedule { cron: cron.clone() }).collect();
        self.call(Operation::SchedulesPut, &[script]).json(&schedules).run().await
    }
}
