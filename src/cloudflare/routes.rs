//! How a Worker is reached: its hostname on workers.dev, and the times at which cron calls it.

use http::HeaderName;
use serde::Serialize;
use serde_json::{Value, json};

use super::client::{Client, each, text};
use super::error::Error;
use super::operation::Operation;

/// Whether a script answers on workers.dev.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScriptSubdomain {
    /// At `https://<script>.<account's subdomain>.workers.dev`.
    pub enabled: bool,
    /// Also each version at a hostname of its own.
    pub previews_enabled: bool,
}

impl ScriptSubdomain {
    fn read(value: &Value) -> Option<Self> {
        let is_on = |field| value.get(field).and_then(Value::as_bool).unwrap_or_default();
        value.is_object().then(|| Self { enabled: is_on("enabled"), previews_enabled: is_on("previews_enabled") })
    }
}

#[derive(Serialize)]
struct Schedule<'a> {
    cron: &'a str,
}

/// What wrangler sends with this one call.
const API_DATE: HeaderName = HeaderName::from_static("cloudflare-workers-script-api-date");

impl Client {
    /// `GET workers/scripts/{script}/subdomain`.
    pub async fn get_script_subdomain(&self, script: &str) -> Result<ScriptSubdomain, Error> {
        self.call(Operation::ScriptSubdomainGet, &[script]).pick(ScriptSubdomain::read).await
    }

    /// `POST workers/scripts/{script}/subdomain`: opens or closes the hostname to the public, previews stay closed.
    /// Twice: the same.
    pub async fn set_script_subdomain(&self, script: &str, enabled: bool) -> Result<(), Error> {
        let call = self.call(Operation::ScriptSubdomainSet, &[script]).header(API_DATE, "2025-08-01");
        call.json(&json!({ "enabled": enabled, "previews_enabled": false })).run().await
    }

    /// `GET workers/scripts/{script}/schedules`: cron expressions.
    pub async fn get_schedules(&self, script: &str) -> Result<Vec<String>, Error> {
        let read = |found: &Value| each(found.get("schedules")?, |schedule| text(schedule, "cron"));
        self.call(Operation::SchedulesGet, &[script]).pick(read).await
    }

    /// `PUT workers/scripts/{script}/schedules`: these times and no others; none switches cron off. Takes up to 15
    /// minutes to spread. Twice: the same.
    pub async fn put_schedules(&self, script: &str, crons: &[String]) -> Result<(), Error> {
        let schedules: Vec<_> = crons.iter().map(|cron| Schedule { cron }).collect();
        self.call(Operation::SchedulesPut, &[script]).json(&schedules).run().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::testing::{client, ok};

    #[tokio::test]
    async fn the_hostname_is_opened_and_closed_as_recorded() {
        let open = json!({ "enabled": true, "previews_enabled": false });
        let (client, far) = client([ok(open.clone()), ok(json!({ "enabled": null }))]);
        client.set_script_subdomain("s", true).await.unwrap();
        assert_eq!(client.get_script_subdomain("s").await.unwrap(), ScriptSubdomain::default());
        let sent = far.sent();
        let lines: Vec<_> = sent.iter().map(|sent| sent.line()).collect();
        assert_eq!(lines, ["POST workers/scripts/s/subdomain", "GET workers/scripts/s/subdomain"]);
        assert_eq!(sent[0].header("cloudflare-workers-script-api-date"), Some("2025-08-01"));
        assert_eq!(sent[0].json(), open);
    }

    #[tokio::test]
    async fn crons_are_replaced_as_recorded() {
        let stored = json!({ "schedules": [{ "cron": "*/5 * * * *", "created_on": "2026-01-01T00:00:00.000Z" }] });
        let (client, far) = client([ok(stored.clone()), ok(json!({ "schedules": [] })), ok(stored)]);
        client.put_schedules("s", &["*/5 * * * *".to_owned()]).await.unwrap();
        client.put_schedules("s", &[]).await.unwrap();
        assert_eq!(client.get_schedules("s").await.unwrap(), ["*/5 * * * *"]);
        let sent = far.sent();
        assert_eq!(sent[0].line(), "PUT workers/scripts/s/schedules");
        assert_eq!(sent[0].json(), json!([{ "cron": "*/5 * * * *" }]));
        assert_eq!(sent[1].json(), json!([]));
        assert_eq!(sent[2].line(), "GET workers/scripts/s/schedules");
    }
}
