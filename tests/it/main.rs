//! The plane as a whole, in one process: real router, rounds, SQL and client, against the emulator's router.

mod api;
mod faults;
mod fixtures;
mod life;
mod plane;
mod registry;
