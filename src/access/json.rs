//! JSON that means one thing only.

use serde_json::{Map, Value};

use super::Invalid;

/// Reads an object. Refuses the same key twice, at any depth: of two values one reader takes the first, another the
/// last, and what was checked might not be what is used.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, Invalid> {
    match serde_json::from_slice(text) {
        // What is read has each key once. So the text that is made of it has fewer keys if one was there twice.
        Ok(value @ Value::Object(_)) if colons(value.to_string().as_bytes()) != colons(text) => {
            Err(Invalid::DuplicateKey)
        }
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Invalid::Form),
    }
}

/// How many colons of `text`, which is JSON, stand outside strings: one for each key that is written.
fn colons(text: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_that_is_written_twice_is_noticed_at_any_depth_and_in_any_spelling() {
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":{"c":2,"c":3}}"#,
            r#"{"a":[{"b":1},{"b":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert_eq!(object(twice.as_bytes()), Err(Invalid::DuplicateKey), "{twice}");
        }
        for once in [r#"{"a":1,"A":1}"#, r#"{"a":{"a":{"a":":"}}}"#, r#"{"a\":\"":"\\","b":":\":"}"#, "{}"] {
            assert!(object(once.as_bytes()).is_ok(), "{once}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "null", "[]", "[{\"a\":1}]", "\"a\"", "{", "{\"a\":1}x", "{\"a\":NaN}", "\u{feff}{}"] {
            assert_eq!(object(text.as_bytes()), Err(Invalid::Form), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(object(deep.as_bytes()), Err(Invalid::Form));
    }

    proptest! {
        #[test]
        fn whatever_is_written_once_is_read_as_it_was(text in "[\\PC\"\\\\:{},]{0,20}", number: i64, key in "\\PC{0,8}") {
            let value = json!({"a": text, "b": {key: [text, {"c": number}]}, "d": {"e": {}}});
            prop_assert_eq!(Value::Object(object(value.to_string().as_bytes()).unwrap()), value);
        }
    }
}
