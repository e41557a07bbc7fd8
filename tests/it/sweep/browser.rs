//! What a caller's browser has: a cookie, the proof that the session's pages carry, and where its forms come from.

use bytes::Bytes;
use http::Request;
use paramita::clock::DAY_MS;

use super::caller::{Caller, Cookie, Desk, Flaw};
use super::world::{HOST, access_token};
use crate::plane::TestPlane;

/// What it sends of itself.
#[derive(Default)]
pub struct Browser {
    pub headers: Vec<(&'static str, String)>,
    /// What goes with its forms.
    pub proof: Option<String>,
}

/// A session that was begun.
struct Begun {
    /// The cookie's name and value.
    cookie: String,
    proof: String,
}

impl Browser {
    /// The caller's, if it has one. Begins its session with one of `tokens`: of the deleted alice, of alice, of bob.
    pub async fn of(plane: &TestPlane, caller: Caller, tokens: &[String]) -> Self {
        let (cookie, flaw) = match caller {
            Caller::Visitor | Caller::VisitorWithToken => return Self { headers: from("same-origin"), proof: None },
            Caller::Session(cookie) => (cookie, None),
            Caller::BadForm(flaw) => (Cookie::Own, Some(flaw)),
            Caller::Desk(desk) => return Self::at(plane, desk).await,
            _ => return Self::default(),
        };
        let own = begin(plane, "alice", &tokens[1]).await;
        let others = begin(plane, "bob", &tokens[2]).await;
        let Begun { cookie, proof } = match cookie {
            Cookie::Other => begin(plane, "bob", &tokens[2]).await,
            Cookie::Tombstone => begin(plane, "alice", &tokens[0]).await,
            Cookie::Prolonged => Begun { cookie: prolonged(&own.cookie), ..own },
            Cookie::Forged => Begun { cookie: forged(&own.cookie, &others.cookie), ..own },
            _ => own,
        };
        let proof = match flaw {
            Some(Flaw::NoProof) => None,
            Some(Flaw::OthersProof) => Some(others.proof),
            _ => Some(proof),
        };
        let mut headers = match flaw {
            Some(Flaw::OtherSite) => from("cross-site"),
            Some(Flaw::NoOrigin) => Vec::new(),
            _ => from("same-origin"),
        };
        headers.push(("cookie", cookie));
        Self { headers, proof }
    }
}

impl Browser {
    /// That of somebody whom Access let in.
    async fn at(plane: &TestPlane, desk: Desk) -> Self {
        let cookie = |email| format!("CF_Authorization={}", access_token(plane, email));
        let operator = cookie("ada@example.com");
        let proof = match desk {
            Desk::NoProof => None,
            Desk::OthersProof => Some(proof_of(plane, &cookie("cleo@example.com")).await),
            _ => Some(proof_of(plane, &operator).await),
        };
        let mut headers = match desk {
            Desk::OtherSite => from("cross-site"),
            Desk::NoOrigin => Vec::new(),
            _ => from("same-origin"),
        };
        headers.push(("cookie", if desk == Desk::Viewer { cookie("bob@example.com") } else { operator }));
        Self { headers, proof }
    }
}

/// The proof on a page that an operator is shown.
async fn proof_of(plane: &TestPlane, cookie: &str) -> String {
    let request = Request::get("/admin/invites").header("host", HOST).header("cookie", cookie);
    let page = plane.send(request.body(Bytes::new()).unwrap()).await;
    let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// What a browser says of a page on which a form is sent.
fn from(site: &str) -> Vec<(&'static str, String)> {
    let host = if site == "same-origin" { HOST } else { "elsewhere.example" };
    vec![("sec-fetch-site", site.to_owned()), ("origin", format!("https://{host}"))]
}

async fn begin(plane: &TestPlane, name: &str, token: &str) -> Begun {
    let ask = |method: &str, path: String, body: String, cookie: String| {
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        request = request.header("content-type", "application/x-www-form-urlencoded").header("cookie", cookie);
        for (name, value) in from("same-origin") {
            request = request.header(name, value);
        }
        plane.send(request.body(Bytes::from(body)).unwrap())
    };
    let begun = ask("POST", "/session".into(), format!("name={name}&token={token}"), String::new()).await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let cookie = begun.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = ask("GET", format!("/tenants/{name}"), String::new(), cookie.clone()).await;
    let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
    Begun { cookie, proof: rest.split('"').next().unwrap().to_owned() }
}

/// The token's id, the end, and the signature.
fn parts(cookie: &str) -> [&str; 3] {
    <[&str; 3]>::try_from(cookie.split('.').collect::<Vec<_>>()).unwrap()
}

fn prolonged(cookie: &str) -> String {
    let [id, until, signature] = parts(cookie);
    format!("{id}.{}.{signature}", until.parse::<i64>().unwrap() + DAY_MS)
}

fn forged(own: &str, others: &str) -> String {
    let [[id, _, _], [_, until, signature]] = [parts(own), parts(others)];
    format!("{id}.{until}.{signature}")
}
