//! A plane with all that callers may come across, and a caller.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cloudflare_emulator::AccessIdentity;
use futures_util::future::BoxFuture;
use http::Request;
use paramita::app::Ports;
use paramita::clock::DAY_MS;
use paramita::entropy::SeededEntropy;
use paramita::registry::NewInvite;
use paramita::registry::db::{Db, DbError, Outcome, Statement};
use paramita::vault::{ApiToken, InviteCode};
use serde_json::json;

use super::browser::Browser;
use super::caller::{Caller, Cookie};
use crate::fixtures::{API_TOKEN, Published};
use crate::plane::{Answer, TestPlane, settings};

const TEAM: &str = "https://example-team.cloudflareaccess.com";
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
/// How long a session lasts.
const SESSION_MS: i64 = DAY_MS / 2;
/// The plane's own address.
pub const HOST: &str = "plane.example.com";
const PLANTED: &str = "planted-secret-0cc175b9c0f1b6a8";

/// What the addresses and the forms of the table have in place of what varies.
const NAMES: [(&str, &str); 4] = [
    ("{name}", "alice"),
    ("{secret}", "ANTHROPIC_API_KEY"),
    ("{token}", "tok_0123456789abcdef"),
    ("{id}", "ivt_0123456789abcdef"),
];

/// What the database was asked, and what that took: each statement with the rows that it gave and changed.
type Effort = Vec<(&'static str, usize, u64)>;

/// A database that notes its effort.
struct Measured {
    db: Arc<dyn Db>,
    effort: Arc<Mutex<Effort>>,
}

impl Db for Measured {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        Box::pin(async move {
            let asked: Vec<&'static str> = statements.iter().map(|statement| statement.sql).collect();
            let outcomes = self.db.batch(statements).await?;
            let took = asked.into_iter().zip(&outcomes).map(|(sql, done)| (sql, done.rows.len(), done.changes));
            self.effort.lock().unwrap().extend(took);
            Ok(outcomes)
        })
    }
}

/// The plane, and what one caller shows.
pub struct World {
    pub plane: TestPlane,
    bobs_token: String,
    /// What goes with a form of the caller's page.
    proof: Option<String>,
    headers: Vec<(&'static str, String)>,
    /// What no answer and no line of the log may hold.
    hidden: Vec<String>,
    effort: Arc<Mutex<Effort>>,
}

impl World {
    /// `alice` signed up, `bob` did, and so did another `alice` once, who is deleted. There are an invite, and a token of
    /// alice's whose time is over.
    pub async fn of(caller: Caller) -> Self {
        let access = [
            ("ACCESS_TEAM_URL", TEAM),
            ("ACCESS_AUD", AUDIENCE),
            ("ACCESS_OPERATORS", "ada@example.com, cleo@example.com"),
            ("ACCESS_VIEWERS", "bob@example.com"),
        ];
        let effort = Arc::default();
        let noted = Arc::clone(&effort);
        let measured = |ports: Ports| Ports { db: Arc::new(Measured { db: ports.db, effort: noted }), ..ports };
        let plane = TestPlane::over(settings(&access), Some(Published::guide()), None, measured).await;
        let mut hidden = vec![PLANTED.to_owned(), API_TOKEN.to_owned()];
        let mut tokens = Vec::new();
        for name in ["alice", "alice", "bob"] {
            let secrets = json!({"ANTHROPIC_API_KEY": PLANTED});
            let signed_up = plane.sign_up(&json!({"name": name, "secrets": secrets})).await;
            let text = |field: &str| signed_up[field].as_str().unwrap().to_owned();
            tokens.push(text("token"));
            hidden.extend([text("token"), text("gateway_token")]);
            if tokens.len() == 1 {
                plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&tokens[0]), "").await.expect(202);
                plane.until_quiet().await;
                assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "deleted");
            }
        }
        let code = InviteCode::generate(&SeededEntropy::new(3));
        let (hash, expires_at) = (code.hash(), plane.now().plus_ms(DAY_MS));
        let id = "ivt_0123456789abcdef";
        let invite =
            NewInvite { id, hash: &hash, expires_at, tenant_name: None, largest: None, owner: None, note: None };
        plane.app.registry.create_invite(&invite, None, None, plane.now()).await.unwrap();
        hidden.push(code.expose().to_owned());
        let browser = Browser::of(&plane, caller, &tokens).await;
        prepare(&plane, caller).await;
        let headers = browser.headers.into_iter().chain(shown(&plane, caller, &tokens)).collect();
        let world = Self { plane, bobs_token: tokens.remove(2), proof: browser.proof, headers, hidden, effort };
        // A token's first use is noted, and the keys of Access are fetched when they are first needed.
        for path in ["/v1/tenants/alice", "/admin/api/invites", "/tenants/alice"] {
            world.ask("GET", path, "").await;
        }
        world.plane.lose_nudges();
        world
    }

    /// Asks as the caller; `path` and `body` may be the table's. What is no JSON is a form.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let filled = |text: &str| NAMES.iter().fold(text.to_owned(), |text, (place, name)| text.replace(place, name));
        let (path, mut body) = (filled(path), body.to_owned());
        let is_form = method == "POST" && !["/v1/", "/admin/api/"].iter().any(|api| path.starts_with(api));
        if is_form {
            let proof = self.proof.iter().map(|proof| format!("&csrf={proof}"));
            body = proof.fold(filled(&body).replace("{bobs-token}", &self.bobs_token), |body, proof| body + &proof);
        }
        let media_type = if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
        let mut request = Request::builder().method(method).uri(path).header("content-type", media_type);
        for (name, value) in self.headers.iter().chain([&("host", HOST.to_owned())]) {
            request = request.header(*name, value);
        }
        let answer = self.plane.send(request.body(Bytes::from(body)).unwrap()).await;
        let said = format!("{:?}{}", answer.headers, answer.text);
        for hidden in &self.hidden {
            assert!(!said.contains(hidden), "{method} {}: {hidden} is in {said}", answer.status);
        }
        answer
    }

    /// Asks, and says what that took of the database.
    pub async fn ask_measured(&self, method: &str, path: &str, body: &str) -> (Answer, Effort) {
        self.effort.lock().unwrap().clear();
        let answer = self.ask(method, path, body).await;
        (answer, std::mem::take(&mut *self.effort.lock().unwrap()))
    }

    /// Nothing of what is hidden was logged.
    pub fn check_log(&self) {
        let said = json!(self.plane.lines()).to_string();
        let cookies = self.headers.iter().filter(|(name, _)| *name == "cookie").map(|(_, cookie)| cookie);
        for hidden in self.hidden.iter().chain(cookies).chain(&self.proof) {
            assert!(!said.contains(hidden), "{hidden} is in the log");
        }
    }
}

/// Makes alice's token into what the caller has.
async fn prepare(plane: &TestPlane, caller: Caller) {
    plane
        .sql(
            "INSERT INTO token (id, tenant_id, hash, created_at_ms, expires_at_ms) \
             SELECT 'tok_0123456789abcdef', id, 'spare', 1, 2 FROM tenant WHERE name = 'alice' AND deleted_at_ms IS NULL",
        )
        .await;
    macro_rules! alices {
        ($change:literal) => {
            concat!(
                "UPDATE token SET ",
                $change,
                " WHERE hash <> 'spare' AND tenant_id IN \
                 (SELECT id FROM tenant WHERE name = 'alice' AND deleted_at_ms IS NULL)"
            )
        };
    }
    let change = match caller {
        Caller::Revoked | Caller::Session(Cookie::Revoked) => alices!("revoked_at_ms = 1"),
        Caller::Expired | Caller::Session(Cookie::Expired) => alices!("expires_at_ms = 1"),
        Caller::Without("read") | Caller::Session(Cookie::Without("read")) => alices!("scopes = 'write secrets'"),
        Caller::Without("write") | Caller::Session(Cookie::Without("write")) => alices!("scopes = 'read secrets'"),
        Caller::Without("secrets") | Caller::Session(Cookie::Without("secrets")) => alices!("scopes = 'read write'"),
        Caller::Session(Cookie::Over | Cookie::Prolonged) => return plane.clock.advance_ms(SESSION_MS),
        _ => return,
    };
    plane.sql(change).await;
}

/// The token of whoever Access let in as `email`.
pub fn access_token(plane: &TestPlane, email: &str) -> String {
    plane.emulator.access_token(&plane.emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person(email)))
}

/// The headers that the caller sends.
fn shown(plane: &TestPlane, caller: Caller, tokens: &[String]) -> Vec<(&'static str, String)> {
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let access = |email| access_token(plane, email);
    let assertion = |token: String| vec![("cf-access-jwt-assertion", token)];
    match caller {
        Caller::Nobody | Caller::Visitor | Caller::Session(_) | Caller::BadForm(_) | Caller::Desk(_) => Vec::new(),
        Caller::OtherScheme => vec![("authorization", "Basic YWxpY2U6aHVudGVyMg==".to_owned())],
        Caller::Malformed => bearer(&tokens[1][..20]),
        Caller::Unknown => bearer(ApiToken::generate(&SeededEntropy::new(99)).expose()),
        Caller::Other => bearer(&tokens[2]),
        Caller::Own | Caller::Revoked | Caller::Expired | Caller::Without(_) | Caller::VisitorWithToken => {
            bearer(&tokens[1])
        }
        Caller::Tombstone => bearer(&tokens[0]),
        Caller::Forger => assertion(access("ada@example.com").rsplit_once('.').unwrap().0.to_owned() + ".AAAA"),
        Caller::NoRole => assertion(access("eve@example.org")),
        Caller::Viewer => assertion(access("bob@example.com")),
        Caller::Operator => assertion(access("ada@example.com")),
        Caller::OtherSite => vec![
            ("cookie", format!("CF_Authorization={}", access("ada@example.com"))),
            ("origin", "https://elsewhere.example".to_owned()),
            ("sec-fetch-site", "cross-site".to_owned()),
        ],
    }
}
