//! The plane as a whole.

mod fixtures;
mod life;
mod plane;
