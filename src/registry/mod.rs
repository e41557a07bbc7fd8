//! The tenant registry.

pub mod db;
