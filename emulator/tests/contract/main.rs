//! What the emulator promises about the API, in process. Each test is a sentence; the sources are in the code that it tests.

mod account;
mod api;
mod containers;
mod faults;
mod r2;
mod scripts;
mod secrets;
mod state;
mod triggers;
