//! The plane as a whole.

mod api;
mod faults;
mod fixtures;
mod life;
mod plane;
