//! A tenant's owner, who calls the plane over the network.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::harness::{Answer, Workerd};

/// Looks at a tenant until it is ready: some seconds, twenty on a busy machine.
const LOOKS: u32 = 600;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Whoever signed a tenant up.
pub struct Owner<'a> {
    plane: &'a Workerd,
    pub name: &'static str,
    pub token: String,
}

impl<'a> Owner<'a> {
    /// Signs up; also returns the gateway token.
    pub fn sign_up(plane: &'a Workerd, name: &'static str, secrets: &Json) -> (Self, String) {
        let answer = plane.fetch("POST", "/v1/tenants", &[], Some(&json!({"name": name, "secrets": secrets})));
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(answer.header("location"), Some(format!("/v1/tenants/{name}").as_str()));
        let body = answer.json();
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        (Self { plane, name, token: text("token") }, text("gateway_token"))
    }

    /// Whoever signed up earlier, before the plane as it is now.
    pub fn again(plane: &'a Workerd, name: &'static str, token: String) -> Self {
        Self { plane, name, token }
    }

    /// A request about the tenant.
    pub fn ask(&self, method: &str, rest: &str, body: Option<&Json>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let path = format!("/v1/tenants/{}{rest}", self.name);
        self.plane.fetch(method, &path, &[("authorization", &bearer)], body)
    }

    /// Waits for a phase in which everything that was asked for is true.
    pub fn until(&self, phase: &str) -> Json {
        self.wait_for(phase, |tenant| tenant["phase"] == phase && tenant["generation"] == tenant["observed_generation"])
    }

    /// Waits until the plane says that something is in the way and that it will try again.
    pub fn until_retrying(&self) -> Json {
        self.wait_for("retrying", |tenant| {
            let mut conditions = tenant["conditions"].as_array().into_iter().flatten();
            conditions.any(|condition| condition["type"] == "Ready" && condition["reason"] == "Retrying")
        })
    }

    #[expect(clippy::disallowed_methods, reason = "real time passes in the real runtime")]
    fn wait_for(&self, what: &str, is_there: impl Fn(&Json) -> bool) -> Json {
        let mut tenant = Json::Null;
        for _ in 0..LOOKS {
            tenant = self.ask("GET", "", None).json()["tenant"].clone();
            if is_there(&tenant) {
                return tenant;
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        panic!("{} is not {what}: {tenant}", self.name);
    }
}
