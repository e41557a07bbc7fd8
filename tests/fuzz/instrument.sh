#!/bin/sh
# Called by Cargo in the place of rustc for the crates of this workspace (RUSTC_WORKSPACE_WRAPPER). Has them count where
# they go and tell what they compare, so that libFuzzer finds its way into them: the flags of `cargo fuzz`, without its
# sanitizers, which need a nightly Rust; and less optimised, which is twice as soon built. Cargo keeps what comes of it apart from what is built without.
case " $* " in
*" --crate-name build_script_"*) exec "$@" ;;
*" --crate-name "*) ;;
*) exec "$@" ;;
esac
exec "$@" -Cpasses=sancov-module -Copt-level=1 -Cdebuginfo=0 \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
