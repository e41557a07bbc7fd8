//! Runs that once went wrong, as the simulation printed them.

use std::sync::Arc;

use crate::many::database;
use crate::op::Op::{self, *};
use crate::op::{Key::*, Shape::*, Thing::*, Trouble::*, Who::*};
use crate::plane::Releases;
use crate::run::run;

#[track_caller]
fn replay(seed: u64, ops: &[Op]) {
    if let Err(failure) = run(seed, ops, database(), &Arc::new(Releases::new()), false) {
        panic!("after operation {}: {}", failure.after, failure.what);
    }
}

#[test]
fn a_tenant_whose_script_somebody_deleted_gets_another_release() {
    replay(
        151,
        &[
            SignUp { who: Bob, with_secrets: true },
            Start { polls: 14 },
            Upgrade { who: Bob, shape: Guide },
            Remove { who: Bob, thing: Script },
        ],
    );
}

#[test]
fn a_script_that_somebody_deleted_before_its_container_was_made_is_put_back() {
    replay(
        10_914,
        &[
            Stranger { who: Alice, thing: Application },
            SignUp { who: Alice, with_secrets: true },
            Tick,
            Remove { who: Alice, thing: Script },
            StrangersLeave { who: Alice },
        ],
    );
}

#[test]
fn a_time_to_sleep_whose_push_was_lost_is_not_taken_for_the_former_one() {
    replay(
        71_623,
        &[
            SignUp { who: Alice, with_secrets: true },
            SignUp { who: Alice, with_secrets: false },
            SetSecret { who: Alice, key: Anthropic },
            StartTick { polls: 29 },
            Fault { trouble: ReplyLost, skip: 1 },
            Instances { who: Alice, count: 10 },
            Sleep { who: Alice, minutes: 3 },
            Deliver { most: 20 },
            Sleep { who: Alice, minutes: 0 },
        ],
    );
}

#[test]
fn a_deletion_ends_though_somebody_else_deletes_the_bucket_while_it_is_emptied() {
    replay(
        6103,
        &[
            SignUp { who: Alice, with_secrets: false },
            Tick,
            Write { who: Alice },
            Delete { who: Alice, grace_days: 0 },
            Fault { trouble: RequestLost, skip: 4 },
            Deliver { most: 20 },
            Remove { who: Alice, thing: Bucket },
        ],
    );
}
