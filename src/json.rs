//! From JSON text to types.

use serde::de::DeserializeOwned;
use serde_json::{Result, Value, from_slice, from_value};

/// Reads `text` as `T`, by way of [`Value`]: each type's reader is then compiled once, and not again for every form that
/// the text comes in.
pub fn read<T: DeserializeOwned>(text: impl AsRef<[u8]>) -> Result<T> {
    from_value(from_slice::<Value>(text.as_ref())?)
}
