//! Changes of what is wanted, above all those that come at the same time.

use super::*;

#[tokio::test]
async fn every_change_of_what_is_wanted_raises_the_generation_and_nothing_else_does() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let generation = async || fixture.tenant(&id).await.generation;

    fixture.change_spec(&fixture.tenant(&id).await, "10m", at(1)).await.unwrap();
    assert_eq!(generation().await, 2);
    fixture.change_secret(&fixture.tenant(&id).await, 2, Some("sealed-A-2")).await.unwrap();
    assert_eq!(generation().await, 3);
    let leased = fixture.lease(&id, at(2)).await;
    fixture.begin_stage(&leased, &ResourceKind::ALL, at(3)).await.unwrap();
    fixture.registry.end_stage(&leased, &pushed(2), at(4)).await.unwrap();
    fixture.registry.finish_round(&leased, &converged(), at(5)).await.unwrap();
    assert_eq!(generation().await, 3);
    fixture.ask_deletion(&id, at(9), at(6)).await.unwrap();
    assert_eq!(generation().await, 4);

    let events = fixture.registry.events(&id, 0, 10).await.unwrap();
    let generations: Vec<_> = events.iter().map(|event| (event.reason.as_str(), event.generation)).collect();
    let expected = [("SignedUp", 1), ("SpecChanged", 2), ("SecretsChanged", 3), ("Converged", 3), ("DeletionAsked", 4)];
    assert_eq!(generations, expected);
}

#[tokio::test]
async fn a_change_makes_a_tenant_due_at_once_and_starts_its_attempts_anew() {
    for change in ["spec", "secret", "deletion"] {
        let fixture = Fixture::new().await;
        let id = fixture.sign_up("alice").await.id;
        let leased = fixture.lease(&id, at(0)).await;
        fixture.registry.finish_round(&leased, &retrying(7, at(1_000)), at(0)).await.unwrap();

        let tenant = fixture.tenant(&id).await;
        assert_eq!((tenant.due_at, tenant.attempts), (Some(at(1_000)), 7));
        match change {
            "spec" => fixture.change_spec(&tenant, "10m", at(1)).await.unwrap(),
            "secret" => fixture.change_secret(&tenant, 2, Some("sealed-A-2")).await.unwrap(),
            _ => fixture.ask_deletion(&id, at(9), at(1)).await.unwrap(),
        }
        let tenant = fixture.tenant(&id).await;
        assert_eq!((tenant.due_at, tenant.attempts, tenant.updated_at), (Some(at(1)), 0, at(1)), "{change}");
        let phase = if change == "deletion" { Phase::Deleting } else { Phase::Pending };
        assert_eq!(tenant.phase, phase, "{change}");
    }
}

#[tokio::test]
async fn a_change_made_from_an_old_generation_is_refused_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let old = fixture.sign_up("alice").await;
    fixture.change_spec(&old, "10m", at(1)).await.unwrap();
    let before = fixture.dump();

    let event = Event::new("DeletionAsked", "");
    assert_eq!(fixture.change_spec(&old, "1h", at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.change_secret(&old, 2, Some("sealed-A-2")).await, Err(Error::Conflict));
    assert_eq!(fixture.change_secret(&old, 2, None).await, Err(Error::Conflict));
    let deletion = change(&event, at(2));
    assert_eq!(fixture.registry.ask_deletion(&old, at(9), deletion).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before, "not even the line of history");
}

#[tokio::test]
async fn a_tenant_that_is_being_deleted_takes_no_more_changes() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    fixture.ask_deletion(&id, at(9), at(1)).await.unwrap();
    let going = fixture.tenant(&id).await;
    let before = fixture.dump();
    assert_eq!(fixture.change_spec(&going, "1h", at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.change_secret(&going, 2, Some("sealed-A-2")).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before);
}

#[tokio::test]
async fn a_sealed_value_is_erased_when_that_version_is_pushed() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    let leased = fixture.lease(&alice, at(0)).await;
    fixture.registry.end_stage(&leased, &pushed(1), at(5)).await.unwrap();
    let expected = Secret {
        name: secret_name("A"),
        wanted: Wanted::Set,
        version: 1,
        live_version: 0,
        pushed_version: 1,
        sealed: None,
        updated_at: at(0),
        pushed_at: Some(at(5)),
    };
    assert_eq!(fixture.secret(&alice, "A").await, Some(expected));
    assert!(fixture.secret(&bob, "A").await.unwrap().sealed.is_some(), "another tenant's waits on");
}

#[tokio::test]
async fn a_sealed_value_that_came_during_the_push_of_an_older_one_is_kept() {
    let fixture = Fixture::new().await;
    let tenant = fixture.sign_up("alice").await;
    let leased = fixture.lease(&tenant.id, at(0)).await;
    fixture.change_secret(&tenant, 2, Some("sealed-A-2")).await.unwrap();
    fixture.registry.end_stage(&leased, &pushed(1), at(5)).await.unwrap();
    let secret = fixture.secret(&tenant.id, "A").await.unwrap();
    assert_eq!((secret.version, secret.pushed_version), (2, 1));
    assert_eq!(secret.sealed, Some(SealedSecret("sealed-A-2".into())));
    assert!(secret.is_pending());
}

#[tokio::test]
async fn a_value_is_erased_as_soon_as_it_is_no_longer_wanted_and_its_row_once_it_is_gone() {
    let fixture = Fixture::new().await;
    let tenant = fixture.sign_up("alice").await;
    fixture.change_secret(&tenant, 2, None).await.unwrap();
    let secret = fixture.secret(&tenant.id, "A").await.unwrap();
    assert_eq!((secret.wanted, secret.version, secret.sealed), (Wanted::Deleted, 2, None));
    assert!(!fixture.dump().contains("sealed-A-1"));

    let leased = fixture.lease(&tenant.id, at(2)).await;
    fixture.registry.end_stage(&leased, &removed(2), at(5)).await.unwrap();
    assert_eq!(fixture.secret(&tenant.id, "A").await, None);
}

#[tokio::test]
async fn a_secret_set_again_during_its_removal_stays() {
    let fixture = Fixture::new().await;
    let tenant = fixture.sign_up("alice").await;
    fixture.change_secret(&tenant, 2, None).await.unwrap();
    let leased = fixture.lease(&tenant.id, at(2)).await;
    fixture.change_secret(&leased.tenant, 3, Some("sealed-A-3")).await.unwrap();
    fixture.registry.end_stage(&leased, &removed(2), at(5)).await.unwrap();
    let secret = fixture.secret(&tenant.id, "A").await.unwrap();
    assert_eq!((secret.wanted, secret.version, secret.pushed_version), (Wanted::Set, 3, 0));
    assert_eq!(secret.sealed, Some(SealedSecret("sealed-A-3".into())));
}

#[tokio::test]
async fn a_deletion_erases_sealed_values_of_that_tenant_at_once() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    fixture.ask_deletion(&alice, at(9), at(1)).await.unwrap();
    assert_eq!(fixture.secret(&alice, "A").await.unwrap().sealed, None);
    assert!(fixture.secret(&bob, "A").await.unwrap().sealed.is_some());
}

#[tokio::test]
async fn asked_again_a_deletion_may_only_come_sooner() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    for (now, asked_for, kept_until) in [(1, 1_000, 1_000), (2, 5_000, 1_000), (3, 10, 10)] {
        fixture.ask_deletion(&id, at(asked_for), at(now)).await.unwrap();
        let expected = Deletion { asked_at: at(1), keep_data_until: at(kept_until) };
        assert_eq!(fixture.tenant(&id).await.deletion, Some(expected), "asked for {asked_for}");
    }
}
