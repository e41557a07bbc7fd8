//! Answers that are kept for repeated requests: written with the effect, or not at all.

use paramita::clock::DAY_MS;
use paramita::registry::KeptAnswer;

use super::*;

/// Who asks with a key, and what they are answered.
struct Keyed {
    scope: &'static str,
    key_hash: String,
    sealed: SealedAnswer,
}

impl Keyed {
    fn new(scope: &'static str, key: &str) -> Self {
        Self { scope, key_hash: format!("hash-of-{key}"), sealed: SealedAnswer(format!("sealed-for-{key}")) }
    }

    fn answer(&self) -> NewAnswer<'_> {
        NewAnswer {
            scope: self.scope,
            key_hash: &self.key_hash,
            fingerprint: "the-request",
            status: 202,
            answer: &self.sealed,
        }
    }
}

impl Fixture {
    async fn kept(&self, keyed: &Keyed, now: Timestamp) -> Option<KeptAnswer> {
        self.registry.kept_answer(keyed.scope, &keyed.key_hash, now).await.unwrap()
    }
}

#[tokio::test]
async fn of_fifty_sign_ups_with_one_key_at_once_one_is_done_and_the_others_find_its_answer() {
    let fixture = Fixture::new().await;
    let keyed: Vec<Keyed> =
        (0..50).map(|n| Keyed { sealed: SealedAnswer(format!("{n}")), ..Keyed::new("a", "k") }).collect();
    let names: Vec<String> = (0..50).map(|n| format!("n{n}")).collect();
    let answers: Vec<NewAnswer<'_>> = keyed.iter().map(Keyed::answer).collect();
    // Whether they ask for one name or for many.
    for is_one_name in [false, true] {
        let fixture = if is_one_name { &Fixture::new().await } else { &fixture };
        let asked = names.iter().zip(&answers).map(|(id, answer)| {
            let name = if is_one_name { "alice" } else { id };
            fixture.sign_up_as(SignUp { id, name, answer: Some(answer), ..SignUp::default() })
        });
        let results = join_all(asked).await;
        let winners: Vec<usize> = (0..50).filter(|n| results[*n].is_ok()).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(results.iter().filter(|result| **result == Err(Error::KeyUsed)).count(), 49, "{results:?}");
        let kept = fixture.kept(&keyed[0], at(1)).await.unwrap();
        assert_eq!(kept.answer, keyed[winners[0]].sealed);
        assert_eq!(fixture.sql("SELECT 1 FROM tenant", []).await.len(), 1);
    }
}

#[tokio::test]
async fn an_answer_is_read_as_it_was_kept_by_its_own_caller_for_a_day() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (Keyed::new("alice", "k"), Keyed::new("bob", "k"));
    fixture.registry.keep_answer(&alice.answer(), at(5)).await.unwrap();
    let expected = KeptAnswer {
        fingerprint: "the-request".into(),
        status: 202,
        answer: SealedAnswer("sealed-for-k".into()),
        created_at: at(5),
    };
    assert_eq!(fixture.kept(&alice, at(5)).await, Some(expected.clone()));
    assert_eq!(fixture.kept(&alice, at(5 + DAY_MS - 1)).await, Some(expected));
    assert_eq!(fixture.kept(&bob, at(5)).await, None);
    assert_eq!(fixture.kept(&Keyed::new("alice", "other"), at(5)).await, None);
    fixture.registry.keep_answer(&bob.answer(), at(6)).await.unwrap();

    assert_eq!(fixture.registry.keep_answer(&alice.answer(), at(5 + DAY_MS - 1)).await, Err(Error::KeyUsed));
    // A day later the key is as new, though its row is still there.
    assert_eq!(fixture.kept(&alice, at(5 + DAY_MS)).await, None);
    fixture.registry.keep_answer(&alice.answer(), at(5 + DAY_MS)).await.unwrap();
    assert_eq!(fixture.kept(&alice, at(5 + DAY_MS)).await.unwrap().created_at, at(5 + DAY_MS));
}

#[tokio::test]
async fn every_change_keeps_its_answer_with_itself_and_a_second_one_under_the_key_is_not_made() {
    for what in ["suspend", "resume", "spec", "secrets", "undelete", "deletion", "token", "invite"] {
        let fixture = Fixture::new().await;
        let id = fixture.sign_up("alice").await.id;
        if what == "undelete" {
            fixture.ask_deletion(&id, at(1_000), at(1)).await.unwrap();
        }
        let keyed = Keyed::new("alice", what);
        let answer = keyed.answer();
        let event = Event::new("Asked", what);
        let hash = TokenHash("another".into());
        let ask = async |now| {
            let tenant = fixture.tenant(&id).await;
            let change = Change { answer: Some(&answer), ..change(&event, now) };
            let registry = &fixture.registry;
            match what {
                "suspend" => registry.suspend(&tenant, false, change).await,
                "resume" => registry.suspend(&tenant, true, change).await,
                "spec" => registry.change_spec(&tenant, &tenant.spec, Room::default(), change).await,
                "secrets" => registry.change_secrets(&tenant, &[], change).await,
                "undelete" => registry.undelete(&tenant, &[], change).await,
                "deletion" => registry.ask_deletion(&tenant, at(1_000), change).await,
                "token" => {
                    let new = NewToken { id: "tok", hash: &hash, scopes: Scopes::ALL, expires_at: None };
                    registry.add_token(&id, new, &event, Some(&answer), None, now).await
                }
                _ => {
                    let new = paramita::registry::NewInvite {
                        id: "ivt",
                        hash: &hash,
                        expires_at: at(1_000),
                        tenant_name: None,
                        largest: None,
                        owner: None,
                        note: None,
                    };
                    registry.create_invite(&new, Some(&answer), None, now).await
                }
            }
        };
        fixture.batches();
        assert_eq!(ask(at(2)).await, Ok(()), "{what}");
        assert_eq!(fixture.batches().len(), 2, "{what}: one to read, one to write");
        assert_eq!(fixture.kept(&keyed, at(2)).await.map(|kept| kept.created_at), Some(at(2)), "{what}");
        let before = fixture.dump();
        assert_eq!(ask(at(3)).await, Err(Error::KeyUsed), "{what}");
        assert_eq!(fixture.dump(), before, "{what}");
    }
}

#[tokio::test]
async fn of_what_was_refused_no_answer_is_kept() {
    let fixture = Fixture::new().await;
    let old = fixture.sign_up("alice").await;
    fixture.change_spec(&old, "10m", at(1)).await.unwrap();
    let keyed = Keyed::new("alice", "k");
    let answer = keyed.answer();
    let event = Event::new("Asked", "");

    let change = Change { answer: Some(&answer), ..change(&event, at(2)) };
    assert_eq!(fixture.registry.suspend(&old, false, change).await, Err(Error::Conflict));
    let again = SignUp { id: "again", name: "alice", answer: Some(&answer), ..SignUp::default() };
    assert_eq!(fixture.sign_up_as(again).await, Err(Error::NameTaken));
    assert_eq!(fixture.kept(&keyed, at(2)).await, None);
}

#[tokio::test]
async fn that_the_key_was_used_is_said_before_what_the_same_request_did_before() {
    let fixture = Fixture::new().await;
    let keyed = Keyed::new("open", "k");
    let answer = keyed.answer();
    let limits = SignUpLimits { of_hour: Some(1), of_owner: Some(1), in_all: Some(1), room: Room::default() };
    let asked = SignUp { id: "a", name: "alice", owner: Some("o"), limits, answer: Some(&answer), ..SignUp::default() };
    fixture.sign_up_as(asked).await.unwrap();
    let repeated = SignUp { id: "b", invite: Some("none"), ..asked };
    assert_eq!(fixture.sign_up_as(repeated).await, Err(Error::KeyUsed));
}
