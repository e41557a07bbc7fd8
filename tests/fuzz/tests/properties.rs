//! The promises of every reader, kept with the seeds and with random inputs that look much like good ones.

// A panic is how a broken promise is told.
#![allow(clippy::panic)]

use std::path::Path;

use paramita_fuzz::{TARGETS, find, seeds};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

fn file_of(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("seeds/{target}.txt"));
    let file = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    seeds::read(&file).unwrap_or_else(|| panic!("{} has a line that is no input", path.display()))
}

#[test]
fn every_promise_is_kept_with_every_seed() {
    for target in &TARGETS {
        let inputs = file_of(target.name);
        assert!(!inputs.is_empty(), "{} begins with nothing", target.name);
        for input in inputs {
            eprintln!("{}: {}", target.name, seeds::line(&input));
            (target.run)(&input);
        }
    }
}

#[test]
fn every_file_of_seeds_belongs_to_a_target() {
    for file in Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").read_dir().unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(find(name).is_some(), "{}", path.display());
    }
}

/// What is much like a good input of a target, as a regular expression; of the others the seeds are what is varied.
const SHAPES: [(&str, &str); 10] = [
    ("names", "[a-z0-9-]{0,42}|[A-Z0-9_]{0,66}|\\PC{0,12}"),
    ("durations", "[0-9]{1,7}[smhd]|never|\\PC{0,8}"),
    ("numbers", "[0-9]{1,12}|\\PC{0,6}"),
    ("capacity", "((workers|cron_triggers|vcpu|memory_gib|disk_gb|buckets) ?= ?[0-9]{0,11},? ?){0,5}"),
    ("scopes", "(read|write|secrets|Read|\\PC{0,4})( (read|write|secrets|all)){0,4}"),
    ("positions", "[0-9+-]{1,17}\\.[a-z_0-9.]{0,20}|\\PC{0,20}"),
    ("headers", "[a-z*]{1,11}/[a-z*]{1,4}(; ?q=[01.]{1,4})?(, ?\\*/\\*)?|(W/)?\"?\\{etag\\}\"?"),
    ("keys", "\"?[!-~]{14,20}\"?|[a-f0-9 -]{15,40}"),
    (
        "query",
        "((instance_type|cpu_percent|instances|hours_per_day|\\PC{0,3})=(standard-[0-5]|[0-9]{0,4}|\\PC{0,3})&?){0,4}",
    ),
    ("tokens", "(pcp_|inv_)?[A-Za-z0-9_-]{27,55}"),
];

#[test]
fn every_promise_is_kept_with_what_is_much_like_a_good_input() {
    for (name, shape) in SHAPES {
        let target = find(name).unwrap();
        let strategy = proptest::string::string_regex(shape).unwrap();
        runner(256)
            .run(&strategy, |input| {
                (target.run)(input.as_bytes());
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn every_promise_is_kept_with_seeds_that_something_happened_to() {
    for target in &TARGETS {
        let happened =
            (prop::sample::select(file_of(target.name)), any::<[prop::sample::Index; 2]>(), any::<Vec<u8>>());
        let run = |(mut input, [from, to], put): (Vec<u8>, [prop::sample::Index; 2], Vec<u8>)| {
            let (from, to) = (from.index(input.len() + 1), to.index(input.len() + 1));
            input.splice(from.min(to)..from.max(to), put.into_iter().take(8));
            (target.run)(&input);
            Ok(())
        };
        runner(64).run(&happened, run).unwrap_or_else(|error| panic!("{}: {error}", target.name));
    }
}

/// The same inputs on every machine and every day: chance is what `make fuzz` is for.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}
