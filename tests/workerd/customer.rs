//! A customer who goes on asking while the plane is killed, and remembers what it was answered.

use paramita::entropy::{SeededEntropy, bytes};
use serde_json::{Value as Json, json};

use crate::harness::Answer;
use crate::http::{Request, send};

/// Every secret value of a customer begins like this, so that it can be looked for.
pub const PLANTED: &str = "planted-secret-2b7e151628aed2a6";

/// The secret that customers set.
pub const SECRET: &str = "ANTHROPIC_API_KEY";

/// What is asked for in one life of the plane, at most: enough for changes in the middle of a round, and for an end.
const WISHES: u32 = 4;

/// Tenants of one customer that live at the same time; those that wait for the answer to their sign-up do not count.
const TENANTS: usize = 3;

/// Something asked of the plane.
#[derive(Clone, Debug)]
enum Wish {
    SignUp,
    Size(&'static str),
    Secret(String),
    Delete { grace_days: u32 },
}

/// A tenant as its customer knows it.
#[derive(Debug)]
pub struct Tenant {
    pub name: String,
    /// `None` until the sign-up is answered.
    pub token: Option<String>,
    pub size: &'static str,
    pub secret: String,
    /// Days for which the bucket is kept, once deletion was asked for.
    pub deleted: Option<u32>,
    /// An object was put into its bucket.
    pub has_object: bool,
    /// Asked for, and no answer came.
    unanswered: Option<Wish>,
}

/// Whoever asks. All that it decides comes from its seed.
pub struct Customer {
    id: u32,
    pub tenants: Vec<Tenant>,
    chance: SeededEntropy,
    signed_up: u32,
    /// Requests whose answer never came.
    pub lost: u32,
}

impl Customer {
    pub fn new(id: u32, seed: u64) -> Self {
        let chance = SeededEntropy::new(seed ^ (u64::from(id + 1) << 32));
        Self { id, tenants: Vec::new(), chance, signed_up: 0, lost: 0 }
    }

    /// Asks for one thing after the other, until the plane is gone or there was enough. First of all what was never
    /// answered is asked for again.
    pub fn act(&mut self, port: u16) {
        if !self.ask_again(port) {
            return;
        }
        for _ in 0..WISHES {
            let (index, wish) = self.choose();
            if !self.ask(port, index, wish) {
                return;
            }
        }
    }

    /// Asks again for what was never answered; whether an answer came to all of it.
    pub fn ask_again(&mut self, port: u16) -> bool {
        (0..self.tenants.len()).all(|index| match self.tenants[index].unanswered.clone() {
            Some(wish) => self.ask(port, index, wish),
            None => true,
        })
    }

    /// Asks that every tenant go with all that it has.
    pub fn delete_all(&mut self, port: u16) {
        for index in 0..self.tenants.len() {
            if self.tenants[index].token.is_some() {
                assert!(self.ask(port, index, Wish::Delete { grace_days: 0 }), "nobody kills the plane now");
            }
        }
    }

    fn choose(&mut self) -> (usize, Wish) {
        let [kind, which, detail, number] = bytes(&self.chance);
        let own: Vec<usize> = (0..self.tenants.len()).filter(|index| self.tenants[*index].can_be_changed()).collect();
        if own.is_empty() || own.len() < TENANTS && kind.is_multiple_of(2) {
            return (self.new_tenant(), Wish::SignUp);
        }
        let index = own[usize::from(which) % own.len()];
        let wish = match kind % 8 {
            _ if self.tenants[index].deleted.is_some() => Wish::Delete { grace_days: 0 },
            0..=2 => Wish::Size(["standard-1", "standard-2", "standard-3", "standard-4"][usize::from(detail % 4)]),
            3..=5 => Wish::Secret(format!("{PLANTED}-{detail}-{number}")),
            _ => Wish::Delete { grace_days: u32::from(detail % 2) },
        };
        (index, wish)
    }

    fn new_tenant(&mut self) -> usize {
        self.signed_up += 1;
        self.tenants.push(Tenant {
            name: format!("c{}n{}", self.id, self.signed_up),
            token: None,
            size: "standard-1",
            secret: format!("{PLANTED}-first"),
            deleted: None,
            has_object: false,
            unanswered: None,
        });
        self.tenants.len() - 1
    }

    /// Asks, and remembers what came of it; whether an answer came.
    fn ask(&mut self, port: u16, index: usize, wish: Wish) -> bool {
        let tenant = &mut self.tenants[index];
        match tenant.request(port, &wish) {
            Some(answer) => {
                tenant.remember(wish, &answer);
                true
            }
            None => {
                tenant.unanswered = Some(wish);
                self.lost += 1;
                false
            }
        }
    }
}

impl Tenant {
    /// Nobody asked for its deletion.
    pub fn runs(&self) -> bool {
        self.deleted.is_none()
    }

    /// Deleted but for its bucket.
    pub fn is_kept(&self) -> bool {
        self.deleted.is_some_and(|days| days > 0)
    }

    fn can_be_changed(&self) -> bool {
        self.token.is_some() && self.deleted != Some(0)
    }

    /// The tenant as its own token shows it.
    pub fn read(&self, port: u16) -> Option<Json> {
        let answer = self.send(port, "GET", &format!("/v1/tenants/{}", self.name), "")?;
        assert_eq!(answer.status, 200, "{}: {}", self.name, answer.body);
        Some(answer.json()["tenant"].clone())
    }

    fn request(&self, port: u16, wish: &Wish) -> Option<Answer> {
        let path = format!("/v1/tenants/{}", self.name);
        match wish {
            Wish::SignUp => {
                let body = json!({"name": self.name, "secrets": {SECRET: self.secret}});
                self.send(port, "POST", "/v1/tenants", &body.to_string())
            }
            Wish::Size(size) => self.send(port, "PATCH", &path, &json!({"spec": {"instance_type": size}}).to_string()),
            Wish::Secret(value) => {
                self.send(port, "PATCH", &format!("{path}/secrets"), &json!({SECRET: value}).to_string())
            }
            Wish::Delete { grace_days } => self.send(port, "DELETE", &format!("{path}?grace_days={grace_days}"), ""),
        }
    }

    fn send(&self, port: u16, method: &str, path: &str, body: &str) -> Option<Answer> {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        // Each tenant's owner is somebody else, and knows by a key of his own that his sign-up is his.
        let number = self.name.bytes().fold(0u32, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()));
        let address = format!("2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff);
        let key = format!("sign-up-of-{}-{number:08x}", self.name);
        let mut headers = vec![("content-type", "application/json"), ("cf-connecting-ip", address.as_str())];
        if path == "/v1/tenants" {
            headers.push(("idempotency-key", key.as_str()));
        }
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        send(&Request { port, host: "localhost", method, path, headers: &headers, body }).ok()
    }

    /// What was asked for is asked for again after a lost answer, so that it may have happened already. A sign-up is then
    /// answered as the first time, for it has a key; all else may be repeated.
    fn remember(&mut self, wish: Wish, answer: &Answer) {
        self.unanswered = None;
        match wish {
            Wish::SignUp => {
                assert_eq!(answer.status, 202, "{}: {}", self.name, answer.body);
                self.token = Some(answer.json()["token"].as_str().unwrap().to_owned());
            }
            other => {
                assert!(matches!(answer.status, 200 | 202), "{} {other:?}: {}", self.name, answer.body);
                match other {
                    Wish::Size(size) => self.size = size,
                    Wish::Secret(value) => self.secret = value,
                    Wish::Delete { grace_days } => self.deleted = Some(grace_days),
                    Wish::SignUp => {}
                }
            }
        }
    }
}
