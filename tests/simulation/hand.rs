//! What happens in the account past the plane: tenants' own writing, the operator's hand, strangers.

use bytes::Bytes;
use cloudflare_emulator::State;
use http::Request;

use crate::fixtures::API_TOKEN;
use crate::model::{OVERWRITTEN, THEIRS, Wanted};
use crate::op::{Thing, Who};
use crate::plane::at_once;
use crate::run::Run;

/// More than the plane takes the clocks to be apart, by more than they are.
const SURELY_BEFORE_MS: i64 = 10_000;

/// More than there are faults at once.
const MOST_TRIES: usize = 60;

const ACCOUNT: &str = "/client/v4/accounts/0123456789abcdef0123456789abcdef";

impl Run {
    /// The tenant's container writes an object.
    pub(crate) fn write(&mut self, who: Who) -> Result<(), String> {
        let bucket = who.thing(Thing::Bucket);
        let is_there = self.plane.state().buckets.contains_key(&bucket);
        let is_strangers = self.model.is_strangers(who, Thing::Bucket);
        let Some(tenant) = self.model.living.get_mut(&who).filter(|_| is_there && !is_strangers) else { return Ok(()) };
        // What is going takes nothing in any more: it may be deleted with the rest, or not.
        if tenant.wanted != Wanted::Running {
            return Ok(());
        }
        let key = format!("{}/{}", tenant.id, tenant.objects);
        tenant.objects += 1;
        at_once(self.plane.emulator.seed_object(&bucket, &key, "x")).map_err(|error| error.to_string())
    }

    /// The operator removes something of a tenant's by hand.
    pub(crate) fn remove(&mut self, who: Who, thing: Thing) -> Result<(), String> {
        if self.model.is_strangers(who, thing) || !self.model.living.contains_key(&who) {
            return Ok(());
        }
        let (name, state) = (who.thing(thing), self.plane.state());
        if self.take_away(thing, &name, &state)?
            && !has(&self.plane.state(), thing, &name)
            && let Some(tenant) = self.model.living.get_mut(&who)
        {
            tenant.disturbed.insert(thing);
            if thing == Thing::Bucket {
                tenant.objects = 0;
            }
            // The class that the application serves goes with its script.
            if thing == Thing::Script {
                tenant.disturbed.insert(Thing::Application);
            }
        }
        Ok(())
    }

    /// The operator deploys something else over a tenant's script.
    pub(crate) fn overwrite(&mut self, who: Who) {
        let name = who.thing(Thing::Script);
        let is_there = self.plane.state().scripts.contains_key(&name);
        if !is_there || self.model.is_strangers(who, Thing::Script) {
            return;
        }
        if let Some(tenant) = self.model.living.get_mut(&who) {
            tenant.disturbed.extend([Thing::Script, Thing::Application]);
            self.plane.emulator.seed_script(&name, &[OVERWRITTEN]);
        }
    }

    /// A stranger makes something under a name that no tenant has.
    pub(crate) fn stranger(&mut self, who: Who, thing: Thing) -> Result<(), String> {
        let (name, state) = (who.thing(thing), self.plane.state());
        if self.model.living.contains_key(&who) || has(&state, thing, &name) {
            return Ok(());
        }
        match thing {
            Thing::Bucket => {
                at_once(self.plane.emulator.seed_bucket(&name)).map_err(|error| error.to_string())?;
                at_once(self.plane.emulator.seed_object(&name, THEIRS, "x")).map_err(|error| error.to_string())?;
            }
            Thing::Script => self.plane.emulator.seed_script(&name, &[THEIRS]),
            Thing::Application => self.plane.emulator.seed_application(&name, THEIRS),
        }
        self.model.strangers.insert((who, thing));
        // Of what was made in the very seconds of the asking nobody can tell whose it is, once the answer is lost.
        self.plane.time.advance_ms(SURELY_BEFORE_MS);
        Ok(())
    }

    /// The strangers remove what they made under a name.
    pub(crate) fn strangers_leave(&mut self, who: Who) -> Result<(), String> {
        for thing in Thing::ALL {
            if self.model.is_strangers(who, thing) {
                self.take_away(thing, &who.thing(thing), &self.plane.state())?;
                // A stale list may have kept it from being found.
                if !has(&self.plane.state(), thing, &who.thing(thing)) {
                    self.model.strangers.remove(&(who, thing));
                }
            }
        }
        Ok(())
    }

    /// Deletes through the API, as a person would. `false`: it was not there.
    fn take_away(&self, thing: Thing, name: &str, state: &State) -> Result<bool, String> {
        if !has(state, thing, name) {
            return Ok(false);
        }
        match thing {
            Thing::Bucket => {
                let keys = (0..state.buckets[name]).map(|at| format!("{}/{at}", self.owner_of(name)));
                for key in keys.chain([THEIRS.to_owned()]) {
                    self.by_hand("DELETE", &format!("/r2/buckets/{name}/objects/{key}"))?;
                }
                self.by_hand("DELETE", &format!("/r2/buckets/{name}"))?;
            }
            Thing::Script => drop(self.by_hand("DELETE", &format!("/workers/scripts/{name}?force=true"))?),
            Thing::Application => {
                let listed = self.by_hand("GET", &format!("/containers/applications?name={name}"))?;
                let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap_or_default();
                let id = listed["result"][0]["id"].as_str().unwrap_or_default();
                self.by_hand("DELETE", &format!("/containers/applications/{id}"))?;
            }
        }
        Ok(true)
    }

    fn owner_of(&self, bucket: &str) -> String {
        let owner = self.model.living.values().find(|tenant| tenant.who.thing(Thing::Bucket) == bucket);
        owner.map(|tenant| tenant.id.clone()).unwrap_or_default()
    }

    /// One call that is nobody's round's. A fault that strikes it is met by doing it again.
    fn by_hand(&self, method: &str, path: &str) -> Result<Bytes, String> {
        for _ in 0..MOST_TRIES {
            let request = Request::builder().method(method).uri(format!("{ACCOUNT}{path}"));
            let request = request.header("authorization", format!("Bearer {API_TOKEN}")).body(Bytes::new()).unwrap();
            let answer = at_once(self.plane.emulator.handle(request));
            self.plane.emulator.clear_journal();
            match answer {
                Ok(answer) if answer.status().is_success() || answer.status() == 404 => return Ok(answer.into_body()),
                _ => {}
            }
        }
        Err(format!("{method} {path} fails whenever it is tried"))
    }
}

fn has(state: &State, thing: Thing, name: &str) -> bool {
    match thing {
        Thing::Bucket => state.buckets.contains_key(name),
        Thing::Script => state.scripts.contains_key(name),
        Thing::Application => state.applications.contains_key(name),
    }
}
