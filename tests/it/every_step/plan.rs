//! The plans that are swept: what is there before, and what is asked for.

use paramita::clock::{Clock, DAY_MS};
use paramita::registry::Change;
use paramita::release::ReleaseId;
use paramita::tenant::ResourceKind::{self, Application, Bucket, Script};
use paramita::tenant::event::Event;
use paramita::wake::Nudge;
use serde_json::{Value as Json, json};

use super::case::Case;
use crate::fixtures::Published;

/// Something that is asked for, or comes with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    SignUp,
    Size,
    Instances,
    Release,
    Secrets,
    /// Secrets, and at once the size.
    SizeAndSecrets,
    Suspend,
    Resume,
    /// With an object in her bucket.
    Write,
    Delete {
        grace_days: u32,
    },
    EndOfGrace,
    Undelete,
    /// Somebody else makes what has the name of hers.
    Stranger(ResourceKind),
}

use Wish::{
    Delete, EndOfGrace, Instances, Release, Resume, Secrets, SignUp, Size, SizeAndSecrets, Stranger, Suspend, Undelete,
    Write,
};

/// A plan: it is what `wish` leads to after `before`.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// For the table.
    pub name: &'static str,
    /// Wishes that came true already.
    pub before: &'static [Wish],
    /// What is asked for.
    pub wish: Wish,
    /// What is asked for instead, as soon as something went wrong.
    pub instead: Option<Wish>,
}

const NO_GRACE: Wish = Delete { grace_days: 0 };
const GRACE: Wish = Delete { grace_days: 7 };

impl Plan {
    /// Whether a name of hers is another's.
    pub fn meets_a_stranger(&self) -> bool {
        matches!(self.before, [Stranger(_)])
    }

    /// The phase that the tenant is in when everything asked for is true.
    pub fn goal(&self) -> &'static str {
        match self.instead.unwrap_or(self.wish) {
            Suspend => "suspended",
            NO_GRACE | EndOfGrace => "deleted",
            Delete { .. } => "deleting",
            _ => "ready",
        }
    }
}

/// Every plan.
pub const PLANS: &[Plan] = &[
    Plan { name: "create", before: &[], wish: SignUp, instead: None },
    Plan { name: "change the size", before: &[SignUp], wish: Size, instead: None },
    Plan { name: "change the number of instances", before: &[SignUp], wish: Instances, instead: None },
    Plan { name: "change the release", before: &[SignUp], wish: Release, instead: None },
    Plan { name: "rotate secrets", before: &[SignUp], wish: Secrets, instead: None },
    Plan { name: "rotate secrets, and the size", before: &[SignUp], wish: SizeAndSecrets, instead: None },
    Plan { name: "suspend", before: &[SignUp], wish: Suspend, instead: None },
    Plan { name: "resume", before: &[SignUp, Suspend], wish: Resume, instead: None },
    Plan { name: "delete with grace", before: &[SignUp, Write], wish: GRACE, instead: None },
    Plan { name: "delete, empty bucket", before: &[SignUp], wish: NO_GRACE, instead: None },
    Plan { name: "delete, with objects", before: &[SignUp, Write], wish: NO_GRACE, instead: None },
    Plan { name: "end of the grace period", before: &[SignUp, Write, GRACE], wish: EndOfGrace, instead: None },
    Plan { name: "undelete", before: &[SignUp, Write, GRACE], wish: Undelete, instead: None },
    Plan { name: "delete, suspended", before: &[SignUp, Suspend], wish: NO_GRACE, instead: None },
    Plan { name: "create, then delete", before: &[], wish: SignUp, instead: Some(NO_GRACE) },
    Plan { name: "create, then suspend", before: &[], wish: SignUp, instead: Some(Suspend) },
    Plan { name: "change the release, then suspend", before: &[SignUp], wish: Release, instead: Some(Suspend) },
    Plan { name: "rotate secrets, then delete", before: &[SignUp], wish: Secrets, instead: Some(NO_GRACE) },
    Plan { name: "suspend, then resume", before: &[SignUp], wish: Suspend, instead: Some(Resume) },
    Plan { name: "resume, then suspend", before: &[SignUp, Suspend], wish: Resume, instead: Some(Suspend) },
    Plan { name: "resume, then delete", before: &[SignUp, Suspend], wish: Resume, instead: Some(NO_GRACE) },
    Plan { name: "delete, then undelete", before: &[SignUp, Write], wish: GRACE, instead: Some(Undelete) },
    Plan { name: "delete, then at once", before: &[SignUp, Write], wish: GRACE, instead: Some(NO_GRACE) },
    Plan { name: "undelete, then delete", before: &[SignUp, GRACE], wish: Undelete, instead: Some(NO_GRACE) },
    Plan {
        name: "a stranger's bucket, then delete",
        before: &[Stranger(Bucket)],
        wish: SignUp,
        instead: Some(NO_GRACE),
    },
    Plan {
        name: "a stranger's Worker, then delete",
        before: &[Stranger(Script)],
        wish: SignUp,
        instead: Some(NO_GRACE),
    },
    Plan {
        name: "a stranger's container, then delete",
        before: &[Stranger(Application)],
        wish: SignUp,
        instead: Some(NO_GRACE),
    },
];

/// The release that tenants are moved to: other code, image and cron triggers, and one more class.
pub fn next_release() -> Published {
    let mut next = Published::guide();
    // Last in the order of ids, so that sign-ups do not get it.
    next.id = "rel_ffffffffffffffff".to_owned();
    next.manifest["container"]["image"] = json!("registry.cloudflare.com/0123456789abcdef0123456789abcdef/openclaw:v2");
    next.manifest["crons"] = json!(["0 * * * *"]);
    next.manifest["migrations"].as_array_mut().unwrap().push(json!({"tag": "v2", "new_sqlite_classes": ["Second"]}));
    next
}

impl Case<'_> {
    /// Asks for it, or has it come.
    pub async fn ask(&mut self, wish: Wish) {
        match wish {
            SignUp => {
                let secrets = self.plant(&["ANTHROPIC_API_KEY", "CF_ACCESS_TEAM_DOMAIN", "CF_ACCESS_AUD"]);
                let body = json!({"name": "alice", "spec": {"sleep_after": "10m"}, "secrets": secrets});
                let answer = self.plane.sign_up(&body).await;
                self.token = answer["token"].as_str().unwrap().to_owned();
                self.gateway_token(&answer);
            }
            Size => drop(self.send("PATCH", "", &json!({"spec": {"instance_type": "standard-3"}})).await),
            Instances => drop(self.send("PATCH", "", &json!({"spec": {"max_instances": 4}})).await),
            Release => self.change_release().await,
            Secrets => {
                let mut secrets = self.plant(&["ANTHROPIC_API_KEY", "TELEGRAM_BOT_TOKEN"]);
                secrets["CF_ACCESS_AUD"] = Json::Null;
                self.send("PATCH", "/secrets", &secrets).await;
            }
            SizeAndSecrets => {
                let secrets = self.plant(&["ANTHROPIC_API_KEY"]);
                self.send("PATCH", "/secrets", &secrets).await;
                self.send("PATCH", "", &json!({"spec": {"instance_type": "standard-3"}})).await;
            }
            Suspend => drop(self.send("POST", "/suspend", &json!({})).await),
            Resume => drop(self.send("POST", "/resume", &json!({})).await),
            Write => self.plane.emulator.seed_object("moltbot-data-alice", "note", "x").await.unwrap(),
            Delete { grace_days } => {
                drop(self.send("DELETE", &format!("?grace_days={grace_days}"), &Json::Null).await);
            }
            Stranger(kind) => {
                let emulator = &self.plane.emulator;
                match kind {
                    Bucket => {
                        emulator.seed_bucket("moltbot-data-alice").await.unwrap();
                        emulator.seed_object("moltbot-data-alice", "theirs", "x").await.unwrap();
                    }
                    Script => emulator.seed_script("paramita-cloud-alice", &["theirs"]),
                    _ => emulator.seed_application("moltbot-alice", "theirs"),
                }
                self.plane.clock.advance_ms(60_000);
            }
            EndOfGrace => self.plane.clock.advance_ms(7 * DAY_MS),
            Undelete => {
                let answer = self.send("POST", "/undelete", &json!({})).await;
                self.gateway_token(&answer);
            }
        }
    }

    /// As whoever upgrades tenants does.
    async fn change_release(&self) {
        let app = &self.plane.app;
        let id = self.tenant_id().await;
        let (tenant, _) = app.registry.find_tenant(&id).await.unwrap().unwrap();
        let event = Event::new("ReleaseChanged", "another release");
        let change = Change {
            conditions: &tenant.conditions,
            event: &event,
            now: self.plane.clock.now(),
            answer: None,
            act: None,
        };
        app.registry.change_release(&tenant, &ReleaseId(next_release().id), change).await.unwrap();
        app.wake.nudge(Nudge { tenant: id.0, request_id: "req_release".into() }, 0).await;
    }
}
