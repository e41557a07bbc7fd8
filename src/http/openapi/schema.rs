//! Schemas of what is written by hand as text or number.

use std::borrow::Cow;

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use crate::cost::usage::UpTo;
use crate::cost::{Difference, Money};
use crate::tenant::SleepAfter;

/// Makes schemas of answers, each named one a component of the document.
pub fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = Contract::Serialize;
    });
    settings.with_transform(Readable).into_generator()
}

/// Says of a text that it is a time, by the field's name; and takes links to other code out of descriptions.
#[derive(Clone, Debug)]
struct Readable;

impl Transform for Readable {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Json::String(description)) = schema.get_mut("description") {
            *description = description.replace("[`", "`").replace("`]", "`");
        }
        if let Some(Json::Object(fields)) = schema.get_mut("properties") {
            for (name, field) in fields {
                let is_time = name == "at"
                    || name == "last_transition_time"
                    || ["_at", "_until"].iter().any(|end| name.ends_with(end));
                if is_time && let Some(field) = field.as_object_mut() {
                    field.insert("format".to_owned(), json!("date-time"));
                }
            }
        }
        transform_subschemas(self, schema);
    }
}

impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "US dollars, exact. A text, since JSON numbers are read as floats.",
            "pattern": "^[0-9]+\\.[0-9]{2,12}$",
        })
    }
}

impl JsonSchema for Difference {
    fn schema_name() -> Cow<'static, str> {
        "MoneyDifference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "US dollars more or, with a minus, less; exact.",
            "pattern": "^-?[0-9]+\\.[0-9]{2,12}$",
        })
    }
}

impl<const MOST: u32> JsonSchema for UpTo<MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("UpTo{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 0, "maximum": MOST})
    }
}

impl JsonSchema for SleepAfter {
    fn schema_name() -> Cow<'static, str> {
        "SleepAfter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "When an idle container sleeps: `never`, or after so many seconds, minutes or hours; seven days at most.",
            "pattern": concat!(
                "^(never",
                "|([1-9][0-9]{0,4}|[1-5][0-9]{5}|60([0-3][0-9]{3}|4([0-7][0-9]{2}|800)))s",
                "|([1-9][0-9]{0,3}|100([0-7][0-9]|80))m",
                "|([1-9][0-9]?|1([0-5][0-9]|6[0-8]))h)$"
            ),
            "examples": ["never", "30s", "10m", "1h"],
        })
    }
}
