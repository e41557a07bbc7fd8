//! libFuzzer's way in: one binary for every target, of which `FUZZ_TARGET` names one. With `FUZZ_SEEDS` it writes the
//! target's seeds into that folder before it begins, and their words into a dictionary beside it; without a target it lists
//! all, with how often to run each.

#![no_main]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use libfuzzer_sys::fuzz_target;
use paramita_fuzz::{TARGETS, Target, find, seeds};

static TARGET: OnceLock<&'static Target> = OnceLock::new();
static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fuzz_target!(init: begin(), |data: &[u8]| {
    if let Ok(mut input) = INPUT.lock() {
        input.clear();
        input.extend_from_slice(data);
    }
    if let Some(target) = TARGET.get() {
        (target.run)(data);
    }
});

fn begin() {
    let Ok(name) = std::env::var("FUZZ_TARGET") else {
        for target in &TARGETS {
            println!("{} {}", target.name, target.runs);
        }
        std::process::exit(0);
    };
    let Some(target) = find(&name) else {
        eprintln!("there is no target {name}");
        std::process::exit(2);
    };
    if let Ok(folder) = std::env::var("FUZZ_SEEDS")
        && let Err(error) = write_seeds(target, Path::new(&folder))
    {
        eprintln!("the seeds of {name}: {error}");
        std::process::exit(2);
    }
    let _ = TARGET.set(target);
    // A broken promise is told with what broke it, and ends the process before anything unwinds.
    std::panic::set_hook(Box::new(move |panic| {
        let input = INPUT.lock().map(|input| input.clone()).unwrap_or_default();
        eprintln!("{panic}\nA line for tests/fuzz/seeds/{}.txt:\n{}", target.name, seeds::line(&input));
        std::process::abort();
    }));
}

fn write_seeds(target: &Target, folder: &Path) -> std::io::Result<()> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("seeds/{}.txt", target.name));
    let inputs = seeds::read(&std::fs::read_to_string(file)?).unwrap_or_default();
    let mut words = BTreeSet::new();
    for (at, input) in inputs.iter().enumerate() {
        std::fs::write(folder.join(format!("{at:04}")), input)?;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        words.extend(input.split(|byte| !is_word(byte)).filter(|word| (3..40).contains(&word.len())));
    }
    let words = words.into_iter().map(|word| format!("\"{}\"\n", seeds::line(word)));
    // libFuzzer takes no empty file for a dictionary.
    let dictionary: String = std::iter::once("# Words of the seeds\n".to_owned()).chain(words).collect();
    std::fs::write(folder.with_extension("words"), dictionary)
}
