//! Limits of sign-ups: never passed, however many ask at once.

use paramita::registry::{SignUpLimit, SignUpStanding};

use super::*;

const HOUR_MS: i64 = 60 * 60 * 1_000;

const NO_LIMITS: SignUpLimits = SignUpLimits { of_hour: None, of_owner: None, in_all: None, room: ANY_ROOM };
const ANY_ROOM: Room = Room { vcpu_sixteenths: None, memory_quarter_gib: None, disk_gb: None };

impl Fixture {
    async fn standing(&self, owner: Option<&str>, limits: SignUpLimits, ms: i64) -> SignUpStanding {
        let name = TenantName::parse("another").unwrap();
        self.registry.outlook(&name, None, owner, limits, at(ms)).await.unwrap().standing
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("n{n}")).collect()
}

#[tokio::test]
async fn of_fifty_that_ask_for_one_name_at_once_one_gets_it() {
    let fixture = Fixture::new().await;
    let ids = names(50);
    let results = join_all(ids.iter().map(|id| fixture.try_sign_up(id, "alice"))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == Err(Error::NameTaken)).count(), 49);
    assert_eq!(fixture.dump().lines().filter(|line| line.contains("hash-")).count(), 1, "the losers leave nothing");
}

#[tokio::test]
async fn of_fifty_at_once_as_many_sign_up_as_each_limit_allows() {
    for (limits, limit) in [
        (SignUpLimits { of_hour: Some(7), ..NO_LIMITS }, SignUpLimit::OfHour),
        (SignUpLimits { of_owner: Some(7), ..NO_LIMITS }, SignUpLimit::OfOwner),
        (SignUpLimits { in_all: Some(7), ..NO_LIMITS }, SignUpLimit::InAll),
        (SignUpLimits { of_hour: Some(7), of_owner: Some(8), in_all: Some(9), room: ANY_ROOM }, SignUpLimit::OfHour),
        (SignUpLimits { of_hour: Some(9), of_owner: Some(7), in_all: Some(8), room: ANY_ROOM }, SignUpLimit::OfOwner),
        (SignUpLimits { of_hour: Some(9), of_owner: Some(8), in_all: Some(7), room: ANY_ROOM }, SignUpLimit::InAll),
    ] {
        let fixture = Fixture::new().await;
        let ids = names(50);
        let asked = ids
            .iter()
            .map(|id| fixture.sign_up_as(SignUp { id, name: id, owner: Some("acme"), limits, ..SignUp::default() }));
        let results = join_all(asked).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7, "{limits:?}");
        let refused = Err(Error::LimitReached(limit));
        assert_eq!(results.iter().filter(|result| **result == refused).count(), 43, "{limits:?}: {results:?}");
        assert_eq!(fixture.sql("SELECT 1 FROM tenant", []).await.len(), 7);
        assert_eq!(fixture.sql("SELECT 1 FROM resource", []).await.len(), 7 * 5);
    }
}

#[tokio::test]
async fn a_limit_of_none_lets_nobody_in_and_no_limit_everybody() {
    let fixture = Fixture::new().await;
    for (limits, limit) in [
        (SignUpLimits { of_hour: Some(0), ..NO_LIMITS }, SignUpLimit::OfHour),
        (SignUpLimits { of_owner: Some(0), ..NO_LIMITS }, SignUpLimit::OfOwner),
        (SignUpLimits { in_all: Some(0), ..NO_LIMITS }, SignUpLimit::InAll),
    ] {
        let asked = SignUp { id: "a", name: "alice", owner: Some("acme"), limits, ..SignUp::default() };
        assert_eq!(fixture.sign_up_as(asked).await, Err(Error::LimitReached(limit)));
    }
    for name in names(20) {
        fixture.sign_up(&name).await;
    }
}

#[tokio::test]
async fn an_hour_is_counted_from_each_sign_up_and_deletion_does_not_help() {
    let fixture = Fixture::new().await;
    let limits = SignUpLimits { of_hour: Some(2), ..NO_LIMITS };
    let ask = async |name: &str, ms| {
        fixture.sign_up_as(SignUp { id: name, name, limits, now: Some(at(ms)), ..SignUp::default() }).await
    };
    let refused = Err(Error::LimitReached(SignUpLimit::OfHour));
    let first = ask("first", 0).await.unwrap();
    ask("second", 10).await.unwrap();
    fixture.ask_deletion(&first, at(11), at(11)).await.unwrap();
    let leased = fixture.lease(&first, at(12)).await;
    fixture.registry.finish_round(&leased, &RoundEnd { phase: Phase::Deleted, ..converged() }, at(13)).await.unwrap();
    assert_eq!(ask("third", HOUR_MS - 1).await, refused);
    ask("third", HOUR_MS).await.unwrap();
    assert_eq!(ask("fourth", HOUR_MS + 9).await, refused);
    ask("fourth", HOUR_MS + 10).await.unwrap();
}

#[tokio::test]
async fn deleted_tenants_make_room_for_their_owner_and_in_all_and_those_being_deleted_do_not() {
    for (limits, limit) in [
        (SignUpLimits { of_owner: Some(1), ..NO_LIMITS }, SignUpLimit::OfOwner),
        (SignUpLimits { in_all: Some(1), ..NO_LIMITS }, SignUpLimit::InAll),
    ] {
        let fixture = Fixture::new().await;
        let asked = SignUp { owner: Some("acme"), limits, ..SignUp::default() };
        let ask = async |name| fixture.sign_up_as(SignUp { id: name, name, ..asked }).await;
        let first = ask("first").await.unwrap();
        fixture.ask_deletion(&first, at(1), at(1)).await.unwrap();
        assert_eq!(ask("second").await, Err(Error::LimitReached(limit)));
        let leased = fixture.lease(&first, at(2)).await;
        let deleted = RoundEnd { phase: Phase::Deleted, ..converged() };
        fixture.registry.finish_round(&leased, &deleted, at(3)).await.unwrap();
        ask("second").await.unwrap();
    }
}

#[tokio::test]
async fn an_owners_limit_is_nobody_elses() {
    let fixture = Fixture::new().await;
    let limits = SignUpLimits { of_owner: Some(1), ..NO_LIMITS };
    let ask =
        async |name, owner| fixture.sign_up_as(SignUp { id: name, name, owner, limits, ..SignUp::default() }).await;
    ask("a", Some("acme")).await.unwrap();
    ask("b", Some("other")).await.unwrap();
    ask("c", None).await.unwrap();
    ask("d", None).await.unwrap();
    assert_eq!(ask("e", Some("acme")).await, Err(Error::LimitReached(SignUpLimit::OfOwner)));
}

#[tokio::test]
async fn the_standing_says_how_much_of_each_limit_is_used_and_when_the_next_may_come() {
    let fixture = Fixture::new().await;
    let limits = SignUpLimits { of_hour: Some(3), of_owner: Some(2), in_all: Some(100), room: ANY_ROOM };
    let standing = async |owner, ms| fixture.standing(owner, limits, ms).await;
    let nothing = SignUpStanding { of_hour: 0, of_hour_falls_at: None, of_owner: 0, in_all: 0 };
    assert_eq!(standing(Some("acme"), 0).await, nothing);

    for (name, ms) in [("a", 10), ("b", 20), ("c", 30), ("d", 40)] {
        let asked = SignUp { id: name, name, owner: Some("acme"), now: Some(at(ms)), ..SignUp::default() };
        fixture.sign_up_as(asked).await.unwrap();
    }
    // Of four the newest three count: with the oldest of these one place is free.
    let full = SignUpStanding { of_hour: 3, of_hour_falls_at: Some(at(20 + HOUR_MS)), of_owner: 2, in_all: 4 };
    assert_eq!(standing(Some("acme"), 50).await, full);
    let asked =
        SignUp { id: "e", name: "e", limits: SignUpLimits { of_hour: Some(3), ..NO_LIMITS }, ..SignUp::default() };
    for (ms, is_free) in [(20 + HOUR_MS - 1, false), (20 + HOUR_MS, true)] {
        assert_eq!(fixture.sign_up_as(SignUp { now: Some(at(ms)), ..asked }).await.is_ok(), is_free, "{ms}");
    }
    let other = standing(Some("other"), 41 + HOUR_MS).await;
    assert_eq!((other.of_hour, other.of_owner, other.in_all), (1, 0, 5));
    let unlimited = fixture.standing(Some("acme"), NO_LIMITS, 50).await;
    assert_eq!((unlimited.of_hour, unlimited.of_owner, unlimited.in_all), (0, 0, 5));
}
