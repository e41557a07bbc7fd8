//! What each operation does, and what its answer must be.

use std::collections::BTreeMap;
use std::sync::Arc;

use paramita::app::App;
use paramita::registry::{self, Change};
use paramita::release::ReleaseId;
use paramita::tenant::TenantId;
use paramita::tenant::event::Event;
use serde_json::{Value as Json, json};

use crate::model::{Known, Tenant, Wanted};
use crate::op::{Key, Op, Shape, Who};
use crate::run::Run;
use crate::tasks::{Answer, Done};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What a tenant has that asks for nothing.
const SIZE: &str = "standard-1";
const COUNT: u64 = 1;
const SLEEP: &str = "never";

impl Run {
    pub(crate) fn apply(&mut self, op: Op) -> Result<(), String> {
        match op {
            Op::SignUp { who, with_secrets } => self.sign_up(who, with_secrets, 1),
            Op::SignUpTwice { who } => self.sign_up(who, true, 2),
            Op::Resize { who, size } => {
                let size = format!("standard-{size}");
                self.respec(who, &json!({"instance_type": size}), |tenant| tenant.size = size.clone())
            }
            Op::Instances { who, count } => {
                self.respec(who, &json!({"max_instances": count}), |tenant| tenant.count = u64::from(count))
            }
            Op::Sleep { who, minutes } => {
                let sleep = if minutes == 0 { "never".to_owned() } else { format!("{minutes}m") };
                self.respec(who, &json!({"sleep_after": sleep}), |tenant| tenant.sleep = sleep.clone())
            }
            Op::TryAgain { who } => self.respec(who, &json!({}), |_| ()),
            Op::SetSecret { who, key } => self.set_secret(who, key),
            Op::UnsetSecret { who, key } => self.unset_secret(who, key),
            Op::Delete { who, grace_days } => self.delete(who, i64::from(grace_days)),
            Op::Suspend { who } => self.verb(who, "suspend", Wanted::Suspended),
            Op::Resume { who } => self.verb(who, "resume", Wanted::Running),
            Op::Undelete { who } => self.undelete(who),
            Op::Upgrade { who, shape } => self.upgrade(who, shape),
            Op::Publish { shape } => {
                self.shape = shape;
                self.plane.time.advance_ms(1);
                let releases = Arc::clone(&self.releases);
                self.plane.publish(releases.of(shape));
                Ok(())
            }
            Op::Deliver { most } => {
                for _ in 0..most {
                    let tasks = self.consumer(1);
                    if tasks.is_empty() {
                        break;
                    }
                    self.finish(&tasks)?;
                }
                Ok(())
            }
            Op::DeliverTwice => {
                let tasks = self.consumer(2);
                self.finish(&tasks)
            }
            Op::LoseNudges => {
                self.plane.nudges.lose();
                Ok(())
            }
            Op::Tick => {
                let task = self.cron();
                self.finish(&[task])
            }
            Op::Start { polls } => {
                self.consumer(1);
                self.go(polls)
            }
            Op::StartTick { polls } => {
                self.cron();
                self.go(polls)
            }
            Op::Go { polls } => self.go(polls),
            Op::Vanish => {
                let gone = self.tasks.vanish();
                self.plane.watch.tally(|tally| tally.add("faults", "process gone", gone as u64));
                Ok(())
            }
            Op::Fault { trouble, skip } => {
                self.strike(trouble, skip);
                Ok(())
            }
            Op::Wait { seconds } => {
                self.plane.time.advance_ms(i64::from(seconds) * 1_000);
                Ok(())
            }
            Op::Skew { ms } => {
                self.plane.time.skew(ms);
                Ok(())
            }
            Op::Write { who } => self.write(who),
            Op::Remove { who, thing } => self.remove(who, thing),
            Op::Overwrite { who } => {
                self.overwrite(who);
                Ok(())
            }
            Op::Stranger { who, thing } => self.stranger(who, thing),
            Op::StrangersLeave { who } => self.strangers_leave(who),
        }
    }

    fn go(&mut self, polls: u8) -> Result<(), String> {
        let done = self.tasks.go(usize::from(polls));
        self.take(done)
    }

    /// The id of the tenant that has a name.
    pub(crate) fn holder(&self, who: Who) -> Option<String> {
        let sql = "SELECT id FROM tenant WHERE name = ?1 AND deleted_at_ms IS NULL";
        let row = self.plane.rows(sql, [who.name().into()]).pop()?;
        row["id"].as_str().map(str::to_owned)
    }

    fn plant(&mut self) -> String {
        let value = format!("planted-secret-{:04}", self.model.planted.len());
        self.model.planted.push(value.clone());
        value
    }

    fn sign_up(&mut self, who: Who, with_secrets: bool, times: usize) -> Result<(), String> {
        let before = self.holder(who);
        let (struck, shape) = (self.strikes_of_the_database(), self.shape);
        let mut body = json!({"name": who.name()});
        let mut values = Vec::new();
        if with_secrets {
            values = vec![(Key::Anthropic.name(shape), self.plant()), (Key::Telegram.name(shape), self.plant())];
            body["secrets"] = values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        }
        let tasks: Vec<_> = (0..times).map(|_| self.request("POST", "/v1/tenants", None, &body.to_string())).collect();
        let answers = self.answers(&tasks)?;
        let was_struck = self.strikes_of_the_database() > struck;
        let taken = answers.iter().filter(|answer| answer.status == 409).count();
        let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 202).collect();
        let is_as_it_must_be = match &before {
            // A round under way may have ended its holder's life meanwhile.
            Some(id) => made.is_empty() || self.holder(who).is_some_and(|now| now != *id),
            None => made.len() == 1 && taken == times - 1,
        };
        if !is_as_it_must_be && !was_struck || made.len() > 1 {
            return Err(format!("{} sign-ups under {}, held by {before:?}, got {answers:?}", times, who.name()));
        }
        let Some(id) = self.holder(who).filter(|id| before.as_ref() != Some(id)) else { return Ok(()) };
        let mut secrets: BTreeMap<String, Known> =
            values.into_iter().map(|(name, value)| (name.to_owned(), Known::value(value))).collect();
        let signed_up = made.first().map(|answer| serde_json::from_str::<Json>(&answer.text).unwrap());
        let text = |field: &str| signed_up.as_ref().and_then(|it| it[field].as_str()).map(str::to_owned);
        let (token, gateway) = (text("token"), text("gateway_token"));
        self.model.planted.extend([&token, &gateway].into_iter().flatten().cloned());
        // Without an answer nobody knows what was made for the gateway.
        let gateway = Known { values: gateway.into_iter().collect(), may_be_lost: false };
        secrets.insert(shape.gateway().to_owned(), gateway);
        let tenant = Tenant {
            id,
            who,
            token,
            shape,
            wanted: Wanted::Running,
            size: SIZE.to_owned(),
            count: COUNT,
            sleep: SLEEP.to_owned(),
            secrets,
            objects: 0,
            disturbed: Default::default(),
        };
        self.bury();
        self.model.living.insert(who, tenant);
        Ok(())
    }

    /// Sends a change, and says whether it was made: `None` when nobody can know.
    fn change(&mut self, who: Who, method: &str, path: &str, body: &Json) -> Result<Option<bool>, String> {
        Ok(self.try_change(who, method, path, body)?.map(|answer| answer.is_some()))
    }

    /// The same, with what was answered to a change that was made.
    fn try_change(
        &mut self,
        who: Who,
        method: &str,
        path: &str,
        body: &Json,
    ) -> Result<Option<Option<Answer>>, String> {
        let struck = self.strikes_of_the_database();
        let token = match self.model.living.get(&who) {
            Some(tenant) => tenant.token.clone(),
            // The owner of a tombstone, or somebody who has never had one.
            None => {
                self.model.gone.iter().rev().find(|(name, ..)| *name == who).and_then(|(_, _, token)| token.clone())
            }
        };
        let Some(token) = token else { return Ok(Some(None)) };
        let path = format!("/v1/tenants/{}{path}", who.name());
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.ask(method, &path, Some(&token), &body)?;
        let was_struck = self.strikes_of_the_database() > struck;
        match answer.status.as_u16() {
            _ if was_struck => Ok(None),
            200 | 202 => Ok(Some(Some(answer))),
            404 | 409 | 410 | 422 => Ok(Some(None)),
            other => Err(format!("{method} {path} was answered {other}: {}", answer.text)),
        }
    }

    fn respec(&mut self, who: Who, spec: &Json, set: impl Fn(&mut Tenant)) -> Result<(), String> {
        let made = self.change(who, "PATCH", "", &json!({"spec": spec}))?;
        let Some(tenant) = self.model.living.get_mut(&who) else { return Ok(()) };
        match made {
            Some(true) => set(tenant),
            Some(false) => {}
            None => self.read_again(who),
        }
        Ok(())
    }

    fn set_secret(&mut self, who: Who, key: Key) -> Result<(), String> {
        let name = key.name(self.model.living.get(&who).map_or(Shape::Guide, |tenant| tenant.shape));
        let value = self.plant();
        let made = self.change(who, "PATCH", "/secrets", &json!({name: value}))?;
        let Some(tenant) = self.model.living.get_mut(&who) else { return Ok(()) };
        match made {
            Some(true) => drop(tenant.secrets.insert(name.to_owned(), Known::value(value))),
            Some(false) => {}
            None => {
                // Of a value that nobody knows, none is known now either.
                let known = tenant.secrets.entry(name.to_owned()).or_insert_with(|| Known::value(value.clone()));
                if !known.values.is_empty() {
                    known.values.push(value);
                }
                self.read_again(who);
            }
        }
        Ok(())
    }

    fn unset_secret(&mut self, who: Who, key: Key) -> Result<(), String> {
        let name = key.name(self.model.living.get(&who).map_or(Shape::Guide, |tenant| tenant.shape));
        let made = self.change(who, "PATCH", "/secrets", &json!({name: null}))?;
        let Some(tenant) = self.model.living.get_mut(&who) else { return Ok(()) };
        match made {
            Some(true) => drop(tenant.secrets.remove(name)),
            Some(false) => {}
            None => self.read_again(who),
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, who: Who, grace_days: i64) -> Result<(), String> {
        let path = format!("?grace_days={grace_days}");
        let made = self.change(who, "DELETE", &path, &Json::Null)?;
        let now_ms = self.plane.time.true_ms();
        let Some(tenant) = self.model.living.get_mut(&who) else { return Ok(()) };
        match (made, tenant.wanted) {
            (Some(true), Wanted::Gone(before)) => {
                tenant.wanted = Wanted::Gone(before.min(now_ms + grace_days * DAY_MS))
            }
            (Some(true), _) => {
                tenant.wanted = Wanted::Gone(now_ms + grace_days * DAY_MS);
                tenant.secrets.values_mut().for_each(|known| known.may_be_lost = true);
            }
            (Some(false), _) => {}
            (None, _) => self.read_again(who),
        }
        Ok(())
    }

    fn undelete(&mut self, who: Who) -> Result<(), String> {
        let was_gone = self.model.living.get(&who).is_some_and(|tenant| matches!(tenant.wanted, Wanted::Gone(_)));
        let answer = self.try_change(who, "POST", "/undelete", &Json::Null)?;
        let Some(tenant) = self.model.living.get_mut(&who).filter(|_| was_gone) else { return Ok(()) };
        match answer {
            Some(Some(answer)) => {
                let answer: Json = serde_json::from_str(&answer.text).unwrap();
                let stands_still = answer["tenant"]["suspended_at"].is_string();
                tenant.wanted = if stands_still { Wanted::Suspended } else { Wanted::Running };
                if let Some(gateway) = answer["gateway_token"].as_str() {
                    self.model.planted.push(gateway.to_owned());
                    tenant.secrets.insert(tenant.shape.gateway().to_owned(), Known::value(gateway.to_owned()));
                }
            }
            Some(None) => {}
            None => {
                tenant.secrets.insert(tenant.shape.gateway().to_owned(), Known::default());
                self.read_again(who);
            }
        }
        Ok(())
    }

    /// Past the API, as an operator's route will.
    fn upgrade(&mut self, who: Who, shape: Shape) -> Result<(), String> {
        let Some(tenant) = self.model.living.get(&who) else { return Ok(()) };
        let (app, id) = (self.plane.app.clone(), TenantId(tenant.id.clone()));
        let release = ReleaseId(self.releases.of(shape).id.clone());
        let task = self.tasks.start(Box::pin(async move { Done::Changed(upgrade(&app, &id, &release).await) }));
        let (done, others) = self.tasks.finish(&[task])?;
        self.take(others)?;
        let is_made = matches!(done.as_slice(), [Done::Changed(Ok(()))]);
        match self.model.living.get_mut(&who) {
            Some(tenant) if is_made => tenant.shape = shape,
            _ => self.read_again(who),
        }
        Ok(())
    }

    fn verb(&mut self, who: Who, verb: &str, wanted: Wanted) -> Result<(), String> {
        let made = self.change(who, "POST", &format!("/{verb}"), &Json::Null)?;
        let Some(tenant) = self.model.living.get_mut(&who) else { return Ok(()) };
        match made {
            Some(true) => tenant.wanted = wanted,
            Some(false) => {}
            None => self.read_again(who),
        }
        Ok(())
    }

    /// After an answer that was lost, or that says too little: what is in the registry is what counts.
    fn read_again(&mut self, who: Who) {
        let Some(tenant) = self.model.living.get_mut(&who) else { return };
        let id = tenant.id.as_str();
        let sql = "SELECT spec, release_id, suspended_at_ms, delete_asked_at_ms, keep_data_until_ms \
                   FROM tenant WHERE id = ?1";
        let Some(row) = self.plane.rows(sql, [id.into()]).pop() else { return };
        let spec: Json = serde_json::from_str(row["spec"].as_str().unwrap_or_default()).unwrap_or_default();
        let text = |field: &str| spec[field].as_str().unwrap_or_default().to_owned();
        (tenant.size, tenant.sleep) = (text("instance_type"), text("sleep_after"));
        tenant.count = spec["max_instances"].as_u64().unwrap_or_default();
        let is_guides = row["release_id"] == self.releases.of(Shape::Guide).id.as_str();
        tenant.shape = if is_guides { Shape::Guide } else { Shape::Moltworker };
        tenant.wanted = match (row["delete_asked_at_ms"].is_i64(), row["suspended_at_ms"].is_i64()) {
            (true, _) => {
                tenant.secrets.values_mut().for_each(|known| known.may_be_lost = true);
                Wanted::Gone(row["keep_data_until_ms"].as_i64().unwrap_or_default())
            }
            (false, true) => Wanted::Suspended,
            (false, false) => Wanted::Running,
        };
        let sql = "SELECT name FROM secret WHERE tenant_id = ?1 AND wanted = 'set'";
        let kept = self.plane.rows(sql, [id.into()]);
        tenant.secrets.retain(|name, _| kept.iter().any(|row| row["name"] == name.as_str()));
    }
}

/// Has a tenant deployed from another release.
async fn upgrade(app: &App, id: &TenantId, release: &ReleaseId) -> Result<(), registry::Error> {
    let Some((tenant, _)) = app.registry.find_tenant(id).await? else { return Ok(()) };
    let event = Event::new("ReleaseChanged", format!("to be deployed from {release}"));
    let change =
        Change { conditions: &tenant.conditions, event: &event, now: app.clock.now(), answer: None, act: None };
    app.registry.change_release(&tenant, release, change).await
}
