//! Leases, and what whoever has one writes.

use super::*;

#[tokio::test]
async fn a_lease_goes_to_one_worker_at_a_time() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    assert!(fixture.try_lease(&id, "early", at(-1)).await.is_none(), "it is not due yet");

    let first = fixture.try_lease(&id, "first", at(0)).await.unwrap();
    assert_eq!((first.token.as_str(), first.tenant.attempts), ("first", 1));
    assert_eq!((first.resources.len(), first.secrets.len()), (ResourceKind::ALL.len(), 1));
    assert_eq!(first.release.id, first.tenant.release);
    assert!(fixture.try_lease(&id, "second", at(LEASE_MS - 1)).await.is_none(), "somebody has it");

    let second = fixture.try_lease(&id, "second", at(LEASE_MS)).await.unwrap();
    assert_eq!(second.tenant.attempts, 2, "a round that vanished counts, too");
    assert!(fixture.try_lease(&TenantId("t-nobody".into()), "third", at(0)).await.is_none());
}

#[tokio::test]
async fn due_are_those_that_want_a_round_and_have_none_longest_waiting_first() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for (name, due_at) in [("alice", 30), ("bob", 10), ("carol", 20), ("dave", 40)] {
        let id = fixture.sign_up(name).await.id;
        let leased = fixture.lease(&id, at(0)).await;
        fixture.registry.finish_round(&leased, &retrying(1, at(due_at)), at(1)).await.unwrap();
        ids.push(id);
    }
    let [alice, bob, carol, dave] = ids.try_into().unwrap();
    let due = async |now, limit| fixture.registry.due(at(now), limit).await.unwrap();
    assert_eq!(due(9, 10).await, []);
    assert_eq!(due(30, 10).await, [bob.clone(), carol.clone(), alice.clone()]);
    assert_eq!(due(40, 2).await, [bob.clone(), carol.clone()]);

    fixture.lease(&bob, at(30)).await;
    assert_eq!(due(40, 10).await, [carol.clone(), alice.clone(), dave.clone()]);
    let all = [carol, alice, dave, bob];
    assert_eq!(due(30 + LEASE_MS, 10).await, all, "a round that vanished hides nobody, and goes to the back");
}

#[tokio::test]
async fn a_late_worker_changes_nothing() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let late = fixture.try_lease(&id, "late", at(0)).await.unwrap();
    fixture.try_lease(&id, "present", at(LEASE_MS)).await.unwrap();
    let before = fixture.dump();

    let now = at(LEASE_MS + 1);
    let end = StageEnd {
        resources: vec![fixture.resource(&id, ResourceKind::Bucket).await],
        events: vec![Event::new("BucketCreated", "")],
        ..pushed(1)
    };
    assert_eq!(fixture.begin_stage(&late, &[ResourceKind::Bucket], now).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.end_stage(&late, &end, now).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.finish_round(&late, &converged(), now).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before);
}

#[tokio::test]
async fn a_lease_given_back_is_worth_nothing_any_more() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    fixture.registry.finish_round(&leased, &retrying(1, at(5)), at(1)).await.unwrap();
    let before = fixture.dump();
    assert_eq!(fixture.begin_stage(&leased, &[], at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.end_stage(&leased, &pushed(1), at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.finish_round(&leased, &converged(), at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before);
    assert!(fixture.try_lease(&id, "next", at(5)).await.is_some(), "it need not run out first");
}

#[tokio::test]
async fn a_worker_whose_lease_ran_out_goes_on_while_nobody_has_taken_it_over() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    assert_eq!(fixture.begin_stage(&leased, &[ResourceKind::Bucket], at(LEASE_MS)).await, Ok(()));
    fixture.record(&leased, ResourceKind::Bucket, |line| line.present(None, None), at(LEASE_MS)).await;
    assert_eq!(fixture.resource(&id, ResourceKind::Bucket).await.state, ResourceState::Present);
}

#[tokio::test]
async fn each_stage_keeps_the_lease_for_another_while() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    fixture.begin_stage(&leased, &[], at(LEASE_MS - 1)).await.unwrap();
    assert!(fixture.try_lease(&id, "other", at(2 * LEASE_MS - 2)).await.is_none());
    assert!(fixture.try_lease(&id, "other", at(2 * LEASE_MS - 1)).await.is_some());
}

#[tokio::test]
async fn a_resource_is_unknown_while_a_call_is_under_way_and_as_recorded_after_it() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    let leased = fixture.lease(&alice, at(0)).await;
    let application = ResourceKind::Application;

    fixture.begin_stage(&leased, &[application], at(1)).await.unwrap();
    assert_eq!(fixture.resource(&alice, application).await.state, ResourceState::Unknown);
    assert_eq!(fixture.resource(&alice, ResourceKind::Bucket).await.state, ResourceState::Absent);
    assert_eq!(fixture.resource(&bob, application).await.state, ResourceState::Absent);

    let applied = Applied::Application {
        image: "image:v1".into(),
        instance_type: "standard-1".into(),
        max_instances: 1,
        rolled_out: true,
        restart_owed_since: Some(Timestamp(7)),
        restarted_at: None,
    };
    let mut line = fixture.resource(&alice, application).await;
    line.present(Some("app-1".into()), Some(applied.clone()));
    let end = StageEnd {
        resources: vec![line],
        events: vec![Event::new("ContainerCreated", "standard-1")],
        ..StageEnd::default()
    };
    fixture.registry.end_stage(&leased, &end, at(2)).await.unwrap();
    let resource = fixture.resource(&alice, application).await;
    assert_eq!(resource.state, ResourceState::Present);
    assert_eq!((resource.external_id.as_deref(), resource.applied), (Some("app-1"), Some(applied)));
    assert_eq!(fixture.resource(&bob, application).await.state, ResourceState::Absent);
    assert_eq!(fixture.reasons(&alice).await, ["SignedUp", "ContainerCreated"]);

    // The next call leaves what was known where it is, but for the state.
    fixture.begin_stage(&leased, &[application], at(3)).await.unwrap();
    let resource = fixture.resource(&alice, application).await;
    assert_eq!((resource.state, resource.external_id.as_deref()), (ResourceState::Unknown, Some("app-1")));
}

#[tokio::test]
async fn a_line_of_the_ledger_is_kept_as_it_was_written_through_a_whole_life() {
    let fixture = Fixture::new().await;
    let (id, bucket) = (fixture.sign_up("alice").await.id, ResourceKind::Bucket);
    let leased = fixture.lease(&id, at(0)).await;

    fixture.begin_stage(&leased, &[bucket], at(10)).await.unwrap();
    assert_eq!(fixture.asked_at(&id, bucket).await, Some(at(10)));
    // A look does not find it yet; it is asked for again; then it shows.
    fixture.record(&leased, bucket, Resource::not_shown, at(20)).await;
    fixture.begin_stage(&leased, &[bucket], at(30)).await.unwrap();
    fixture.record(&leased, bucket, |line| line.present(None, None), at(40)).await;
    assert_eq!(fixture.asked_at(&id, bucket).await, Some(at(10)));

    fixture.record(&leased, bucket, |line| line.removing(at(50)), at(50)).await;
    fixture.record(&leased, bucket, |line| line.removed(at(60)), at(60)).await;
    assert_eq!(fixture.asked_at(&id, bucket).await, Some(at(10)), "not yet proved to be gone");
    fixture.record(&leased, bucket, |line| line.gone(at(70)), at(70)).await;
    let line = fixture.resource(&id, bucket).await;
    assert_eq!((line.asked_at, line.removal_asked_at), (None, Some(at(50))));
    assert_eq!((line.removed_at, line.gone_at), (Some(at(60)), Some(at(70))));

    fixture.begin_stage(&leased, &[bucket], at(80)).await.unwrap();
    let line = fixture.resource(&id, bucket).await;
    assert_eq!((line.asked_at, line.removal_asked_at, line.removed_at), (Some(at(80)), None, None));
}

#[tokio::test]
async fn a_converged_round_is_written_down_and_wants_no_other() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    assert_eq!(fixture.registry.finish_round(&leased, &converged(), at(5)).await, Ok(None));
    let tenant = fixture.tenant(&id).await;
    assert_eq!((tenant.phase, tenant.generation, tenant.observed_generation), (Phase::Ready, 1, 1));
    assert_eq!((tenant.due_at, tenant.attempts, tenant.updated_at), (None, 0, at(5)));
    assert_eq!(tenant.conditions, converged().conditions);
    assert_eq!(fixture.reasons(&id).await, ["SignedUp", "Converged"]);
    assert!(fixture.try_lease(&id, "next", at(1_000_000)).await.is_none());
}

#[tokio::test]
async fn a_round_that_did_not_converge_says_when_it_wants_the_next() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    assert_eq!(fixture.registry.finish_round(&leased, &retrying(3, at(50)), at(5)).await, Ok(Some(at(50))));
    let tenant = fixture.tenant(&id).await;
    assert_eq!((tenant.phase, tenant.observed_generation), (Phase::Pending, 0));
    assert_eq!((tenant.due_at, tenant.attempts), (Some(at(50)), 3));
}

#[tokio::test]
async fn a_change_made_during_a_round_keeps_the_tenant_due_and_its_newer_phase() {
    let fixture = Fixture::new().await;
    let before = fixture.sign_up("alice").await;
    let leased = fixture.lease(&before.id, at(0)).await;
    fixture.change_spec(&before, "10m", at(1)).await.unwrap();

    let end = RoundEnd { attempts: 7, ..converged() };
    assert_eq!(fixture.registry.finish_round(&leased, &end, at(2)).await, Ok(Some(at(2))));
    let tenant = fixture.tenant(&before.id).await;
    assert_eq!((tenant.phase, tenant.due_at), (Phase::Pending, Some(at(2))));
    assert_eq!((tenant.generation, tenant.observed_generation), (2, 1), "the round made the older one true");
    assert_eq!(tenant.attempts, 0, "the change has not been tried yet");
    assert_eq!(tenant.spec.sleep_after.to_string(), "10m");
}

#[tokio::test]
async fn no_tombstone_is_made_of_a_tenant_of_which_something_newer_was_asked() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    fixture.ask_deletion(&id, at(10), at(1)).await.unwrap();
    let leased = fixture.lease(&id, at(20)).await;
    fixture.ask_deletion(&id, at(5), at(21)).await.unwrap();
    let end = RoundEnd { phase: Phase::Deleted, ..converged() };
    assert_eq!(fixture.registry.finish_round(&leased, &end, at(22)).await, Ok(Some(at(22))));
    assert_eq!(fixture.tenant(&id).await.phase, Phase::Deleting);
    assert_eq!(fixture.registry.is_name_taken(&TenantName::parse("alice").unwrap()).await, Ok(true));
}
