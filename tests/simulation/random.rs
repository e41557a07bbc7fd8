//! Lists of operations out of a seed.

use fastrand::Rng;

use crate::op::{Key, Op, Shape, Thing, Trouble, Who};

/// Fewest and most operations of a run.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=60;

/// The same seed gives the same list. It begins with a sign-up or two, since before the first there is nothing to go wrong.
pub fn ops(seed: u64) -> Vec<Op> {
    let mut rng = Rng::with_seed(seed);
    // Few names make for much that happens to one, many for tenants that get into each other's way.
    let names = &Who::ALL[..rng.usize(1..=Who::ALL.len())];
    // Some runs are calm, so that much gets done; some are stormy.
    let storm = rng.u32(1..=8);
    let length = rng.usize(LENGTH);
    let mut ops = Vec::with_capacity(length + 2);
    for _ in 0..rng.usize(1..=2) {
        ops.push(sign_up(&mut rng, names));
    }
    while ops.len() < length {
        ops.push(op(&mut rng, names, storm));
        // What was just asked for gets under way, and its process is gone, or time passes, in the middle of it.
        if rng.u32(..40) < storm {
            let polls = rng.u8(1..40);
            ops.push(if rng.bool() { Op::Start { polls } } else { Op::StartTick { polls } });
            ops.push(if rng.bool() { Op::Vanish } else { op(&mut rng, names, storm) });
        }
    }
    ops
}

fn sign_up(rng: &mut Rng, names: &[Who]) -> Op {
    Op::SignUp { who: one_of(rng, names), with_secrets: rng.bool() }
}

fn op(rng: &mut Rng, names: &[Who], storm: u32) -> Op {
    let who = one_of(rng, names);
    let weights = [12, 2, 22, 24, 4 * storm, 14, 6, storm];
    match pick(rng, &weights) {
        0 => sign_up(rng, names),
        1 if rng.bool() => Op::SignUpTwice { who },
        1 => Op::Publish { shape: shape(rng) },
        2 => change(rng, who),
        3 => one_of(rng, &[Op::Deliver { most: 20 }, Op::Deliver { most: 1 }, Op::Tick, Op::DeliverTwice]),
        4 => Op::Fault { trouble: trouble(rng), skip: rng.u8(0..12) },
        5 => wait(rng),
        6 => hand(rng, who),
        _ => {
            let polls = rng.u8(1..40);
            let ops = [
                Op::Start { polls },
                Op::Start { polls },
                Op::StartTick { polls },
                Op::Go { polls },
                Op::Go { polls },
                Op::Vanish,
                Op::LoseNudges,
            ];
            one_of(rng, &ops)
        }
    }
}

fn change(rng: &mut Rng, who: Who) -> Op {
    match rng.u32(0..17) {
        0..=1 => Op::Resize { who, size: rng.u8(1..=4) },
        2..=3 => Op::Instances { who, count: rng.u8(1..=10) },
        4 => Op::Sleep { who, minutes: rng.u8(0..4) },
        5..=7 => Op::SetSecret { who, key: key(rng) },
        8 => Op::UnsetSecret { who, key: key(rng) },
        9 => Op::TryAgain { who },
        10..=11 => Op::Delete { who, grace_days: 0 },
        12 => Op::Delete { who, grace_days: rng.u8(1..=30) },
        13 => Op::Suspend { who },
        14 => Op::Resume { who },
        _ if rng.bool() => Op::Undelete { who },
        _ => Op::Upgrade { who, shape: shape(rng) },
    }
}

fn hand(rng: &mut Rng, who: Who) -> Op {
    let thing = one_of(rng, &Thing::ALL);
    match rng.u32(0..16) {
        0 => Op::Remove { who, thing },
        1 => Op::Overwrite { who },
        2..=5 => Op::Stranger { who, thing },
        6..=7 => Op::StrangersLeave { who },
        _ => Op::Write { who },
    }
}

fn wait(rng: &mut Rng) -> Op {
    let seconds = match rng.u32(0..20) {
        0..=7 => rng.u32(1..15),
        8..=12 => rng.u32(15..180),
        13..=15 => rng.u32(180..1_200),
        16..=17 => rng.u32(1_200..36_000),
        18 => rng.u32(1..9) * 86_400,
        _ => return Op::Skew { ms: rng.i64(-2_000..=2_000) },
    };
    Op::Wait { seconds }
}

fn trouble(rng: &mut Rng) -> Trouble {
    let slow = one_of(rng, &[5, 59, 61, 200]);
    let wait = one_of(rng, &[1, 30, 300]);
    let troubles = [
        Trouble::RequestLost,
        Trouble::ReplyLost,
        Trouble::ReplyLost,
        Trouble::TooManyRequests(wait),
        Trouble::ServerError,
        Trouble::Blocked,
        Trouble::Slow(slow),
        Trouble::Stale,
        Trouble::AnswerLost,
        Trouble::BatchRefused,
    ];
    one_of(rng, &troubles)
}

fn key(rng: &mut Rng) -> Key {
    one_of(rng, &[Key::Anthropic, Key::Audience, Key::Telegram, Key::Gateway])
}

fn shape(rng: &mut Rng) -> Shape {
    one_of(rng, &[Shape::Guide, Shape::Moltworker])
}

fn one_of<T: Copy>(rng: &mut Rng, those: &[T]) -> T {
    those[rng.usize(..those.len())]
}

/// The place of one of the weights, each as likely as it is heavy.
fn pick(rng: &mut Rng, weights: &[u32]) -> usize {
    let mut at = rng.u32(..weights.iter().sum::<u32>());
    weights
        .iter()
        .position(|weight| {
            let is_here = at < *weight;
            at = at.saturating_sub(*weight);
            is_here
        })
        .unwrap_or_default()
}
