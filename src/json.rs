//! From JSON text to types.

use serde::de::DeserializeOwned;
use serde_json::{Result, Value, from_slice, from_value};

/// Reads `text` as `T`, by way of [`Value`]. All JSON comes in so: a type's reader is then compiled once, and not for
/// each form of text again, which is what made half of the Worker's size.
pub fn read<T: DeserializeOwned>(text: impl AsRef<[u8]>) -> Result<T> {
    from_value(from_slice::<Value>(text.as_ref())?)
}
