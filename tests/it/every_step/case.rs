//! One case: a plane of its own, a plan, and something that goes wrong in the middle of it.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use paramita::clock::Clock;
use paramita::jobs::on_nudge;
use paramita::jobs::rounds::run_due;
use paramita::reconcile::{LEASE_MS, Report};
use paramita::registry;
use paramita::registry::db::{Db, Statement};
use paramita::tenant::TenantId;
use serde_json::{Map, Value as Json, json};

use super::picture::Picture;
use super::plan::{Plan, Wish, next_release};
use super::trouble::{Call, Trouble, Way};
use crate::fixtures::Published;
use crate::plane::{TestPlane, settings};

/// Rounds after which a plane that is still not at rest is taken to run for ever.
const MOST_ROUNDS: usize = 60;

/// What came of a case.
pub struct Done {
    /// The calls of its plan.
    pub calls: Vec<Call>,
    /// The steps that its rounds ran, those of the way there included.
    pub steps: BTreeSet<&'static str>,
    /// How often something went wrong.
    pub struck: u32,
    /// How everything stands at the end.
    pub picture: Picture,
}

/// A case under way.
pub struct Case<'a> {
    pub plane: TestPlane,
    /// The plan that is run.
    pub plan: &'a Plan,
    /// What goes wrong; `None` in a calm run.
    pub trouble: Option<Trouble>,
    /// The tenant's token.
    pub token: String,
    /// What her secrets are to be.
    pub secrets: BTreeMap<String, String>,
    /// Every value that must not be seen anywhere.
    pub hidden: Vec<String>,
    /// Whatever was said to anybody.
    pub said: Vec<String>,
    way: Way,
    steps: BTreeSet<&'static str>,
    is_instead_asked: bool,
}

type RoundResult = Result<Vec<Report>, registry::Error>;

/// Runs `plan`, calmly or with trouble at the nth of its calls.
pub async fn run(plan: &Plan, trouble: Option<(Trouble, usize, &[Call])>) -> Done {
    let mut case = Case::new(plan, trouble.map(|(trouble, ..)| trouble)).await;
    for wish in plan.before {
        case.ask(*wish).await;
        case.until_at_rest().await;
    }
    case.plane.emulator.wake_containers();
    case.plane.emulator.clear_journal();
    case.ask(plan.wish).await;
    case.way.watch(trouble);
    case.until_at_rest().await;
    let calls = if trouble.is_none() { case.way.calls() } else { Vec::new() };
    if trouble.is_none() {
        case.ask_instead().await;
        case.until_at_rest().await;
    }
    let acted_late = case.way.act_at_last().await;
    let may_wait = plan.meets_a_stranger() || trouble.is_some_and(|(_, nth, calls)| calls[nth].is_read());
    assert!(!acted_late || may_wait, "there was no write for it to come before");
    case.nothing_is_left_to_do().await;
    let struck = case.way.struck();
    let picture = Picture::of(&case).await;
    Done { calls, struck, picture, steps: case.steps }
}

impl<'a> Case<'a> {
    async fn new(plan: &'a Plan, trouble: Option<Trouble>) -> Self {
        let way = Way::default();
        let mut release = Published::guide();
        release.blobs.extend(next_release().blobs);
        let plane = TestPlane::over(settings(&[]), Some(release), None, |ports| way.in_front_of(ports)).await;
        way.leads_to(plane.emulator.clone(), plane.clock.clone());
        plane.publish(&next_release()).await;
        Self {
            plane,
            plan,
            trouble,
            token: String::new(),
            secrets: BTreeMap::new(),
            hidden: Vec::new(),
            said: Vec::new(),
            way,
            steps: BTreeSet::new(),
            is_instead_asked: false,
        }
    }

    /// A request to alice's own route.
    pub async fn send(&mut self, method: &str, path: &str, body: &Json) -> Json {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/v1/tenants/alice{path}");
        self.plane.raw(method, &path, Some(&self.token), body).await.expect(202)
    }

    /// New values for secrets, as a body that sets them.
    pub fn plant(&mut self, names: &[&str]) -> Json {
        let mut body = Map::new();
        for name in names {
            let value = format!("planted-{name}-{}", self.hidden.len());
            self.hidden.push(value.clone());
            self.secrets.insert((*name).to_owned(), value.clone());
            body.insert((*name).to_owned(), json!(value));
        }
        Json::Object(body)
    }

    /// Takes in the answer that shows a gateway token.
    pub fn gateway_token(&mut self, answer: &Json) {
        let token = answer["gateway_token"].as_str().unwrap().to_owned();
        self.hidden.push(token.clone());
        self.secrets.insert("CLAWDBOT_GATEWAY_TOKEN".to_owned(), token);
        self.said.push(answer["tenant"].to_string());
    }

    /// The rows that a statement brings.
    pub async fn rows(&self, sql: &'static str) -> Vec<Json> {
        let batch = vec![Statement { sql, args: Vec::new() }];
        self.plane.database.batch(batch).await.unwrap().remove(0).rows
    }

    /// The only tenant's id.
    pub async fn tenant_id(&self) -> TenantId {
        TenantId(self.rows("SELECT id FROM tenant").await[0]["id"].as_str().unwrap().to_owned())
    }

    /// When the next round is wanted; `None`: none is, before the data's time is over.
    async fn due(&self) -> Option<i64> {
        let tenants = self.rows("SELECT due_at_ms, lease_expires_ms, keep_data_until_ms FROM tenant").await;
        let tenant = tenants.first()?;
        let due = tenant["due_at_ms"].as_i64()?;
        let waits_for_the_end = tenant["keep_data_until_ms"] == due && due > self.plane.clock.now().0;
        (!waits_for_the_end).then(|| due.max(tenant["lease_expires_ms"].as_i64().unwrap()))
    }

    /// Delivers nudges, and where none comes any more has the cron tick, until nothing is due.
    async fn until_at_rest(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let Some(due) = self.due().await else { return self.plane.lose_nudges() };
            let now = self.plane.clock.now().0;
            match self.plane.next_nudge() {
                Some((nudge, delay_seconds)) => {
                    self.plane.clock.advance_ms(i64::from(delay_seconds) * 1_000);
                    let app = self.plane.app.clone();
                    self.round(async { Ok(on_nudge(&app, nudge).await?.into_iter().collect()) }).await;
                }
                None => {
                    self.plane.clock.advance_ms((due - now).max(0));
                    let app = self.plane.app.clone();
                    self.round(async {
                        let rounds = run_due(&app, "req_tick").await?;
                        let reports: Result<Vec<_>, _> = rounds.into_iter().collect();
                        Ok(reports?.into_iter().flatten().collect())
                    })
                    .await;
                }
            }
        }
        panic!("not at rest after {MOST_ROUNDS} rounds: {:?}", self.rows("SELECT * FROM tenant").await);
    }

    /// Runs a round to its end, or for as long as its process lives. While it is stuck, others go on.
    async fn round(&mut self, round: impl Future<Output = RoundResult>) {
        let way = self.way.clone();
        let mut round = pin!(round);
        let ended = tokio::select! {
            biased;
            ended = &mut round => Some(ended),
            () = way.gone.notified() => None,
            () = way.stuck.notified() => {
                self.ask_instead().await;
                self.nobody_else_runs().await;
                self.plane.clock.advance_ms(LEASE_MS + 1_000);
                way.round_is_over();
                Box::pin(self.until_at_rest()).await;
                way.release.notify_one();
                Some(round.await)
            }
        };
        way.round_is_over();
        match ended {
            None => {}
            Some(Ok(reports)) => {
                for report in reports {
                    self.said.push(format!("{report:?}"));
                    self.steps.extend(report.steps);
                }
            }
            Some(Err(error)) => {
                assert!(self.trouble.is_some_and(Trouble::is_of_database), "a round ended with {error}");
            }
        }
        if self.trouble.is_some() && self.way.is_past() {
            self.ask_instead().await;
        }
    }

    /// While a lease lives there is no second round, whatever is asked for.
    async fn nobody_else_runs(&mut self) {
        let lease = &self.rows("SELECT lease_expires_ms FROM tenant").await[0]["lease_expires_ms"];
        if lease.as_i64().unwrap() <= self.plane.clock.now().0 {
            return;
        }
        while let Some((nudge, _)) = self.plane.next_nudge() {
            assert_eq!(on_nudge(&self.plane.app, nudge).await.unwrap(), None);
        }
        assert!(run_due(&self.plane.app, "req_tick").await.unwrap().is_empty());
    }

    async fn ask_instead(&mut self) {
        let wish: Option<Wish> = self.plan.instead.filter(|_| !self.is_instead_asked);
        if let Some(wish) = wish {
            self.is_instead_asked = true;
            self.ask(wish).await;
        }
    }

    /// A tick finds nobody due, and a round that runs all the same finds nothing to do.
    async fn nothing_is_left_to_do(&mut self) {
        let calls = self.plane.emulator.journal().len();
        self.plane.clock.advance_ms(60_000);
        assert!(run_due(&self.plane.app, "req_tick").await.unwrap().is_empty(), "somebody is still due");
        let due_at_end = self.rows("SELECT due_at_ms FROM tenant").await[0]["due_at_ms"].as_i64();
        self.rows("UPDATE tenant SET due_at_ms = 1").await;
        let rounds = run_due(&self.plane.app, "req_tick").await.unwrap();
        let report = rounds.into_iter().next().unwrap().unwrap().unwrap();
        assert_eq!(
            (report.steps.as_slice(), report.due_at.map(|due| due.0)),
            ([].as_slice(), due_at_end),
            "{report:?}"
        );
        let after: Vec<String> = self.plane.calls().split_off(calls);
        assert!(after.is_empty(), "{after:?}");
    }
}
