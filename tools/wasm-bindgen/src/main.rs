//! wasm-bindgen's command line, as far as `worker-build` uses it.
//!
//! The tool and the Worker's `wasm-bindgen` must be of exactly the same version. Both rest on one `wasm-bindgen-shared`
//! pinned to that version, which a dependency tree may hold only once: as long as this crate is a member of the
//! workspace, Cargo cannot write a lock file in which the two differ. `cargo install wasm-bindgen-cli` gives no such
//! promise, and takes six times as long.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("wasm-bindgen: {message}");
            ExitCode::FAILURE
        }
    }
}

/// An argument that is not known here is refused: left out in silence, it would change what is built.
fn run(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    let mut out_dir = None;
    let mut is_debug = false;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--out-dir" => out_dir = Some(value()?),
            "--out-name" => _ = bindgen.out_name(&value()?),
            "--target" => match value()?.as_str() {
                "module" => _ = bindgen.module(true).map_err(|error| format!("{error:#}"))?,
                target => return Err(format!("target {target} is not supported, only module")),
            },
            "--typescript" => _ = bindgen.typescript(true),
            "--no-typescript" => _ = bindgen.typescript(false),
            "--debug" => {
                is_debug = true;
                _ = bindgen.debug(true);
            }
            "--keep-debug" => _ = bindgen.keep_debug(true),
            "--no-demangle" => _ = bindgen.demangle(false),
            "--experimental-reset-state-function" => _ = bindgen.reset_state_function(true),
            "--force-enable-abort-handler" => _ = bindgen.force_enable_abort_handler(true),
            _ if arg.starts_with('-') => return Err(format!("argument {arg} is not supported")),
            _ => _ = bindgen.input_path(&arg),
        }
    }
    let out_dir = out_dir.ok_or("--out-dir is missing")?;
    // What is deployed goes without the names of its functions: they are a tenth of the upload, and tell nothing that the
    // message and the place of a panic do not. A quick build has them, for the stacks of its panics.
    let mut output = bindgen.remove_name_section(!is_debug).generate_output().map_err(|error| format!("{error:#}"))?;
    output.emit(out_dir).map_err(|error| format!("{error:#}"))
}
