//! The API's reference for people, made from its document. Natively only: the page is a static file.

#![expect(clippy::indexing_slicing, reason = "what JSON has not is null, by whatever name or number it is asked for")]

use maud::{Markup, html};
use serde_json::Value as Json;

use super::layout::{Frame, page};

/// Stands in the file for the version of stylesheet and script; `tools/assets.mjs` puts it in.
const VERSION: &str = "/static/current/";

/// The page, as the file has it.
pub fn reference(document: &Json) -> String {
    let frame = Frame { csrf: "", session: None };
    let content = html! {
        h1 { "API reference" }
        @for paragraph in paragraphs(&document["info"]["description"]) { p { (paragraph) } }
        p {
            "For programs: " a href="/openapi.json" { "openapi.json" } ". The examples take the plane's address from "
            code { "$PLANE" } " and a tenant's token from " code { "$TOKEN" } "."
        }
        @for tag in list(&document["tags"]) { (group(document, tag)) }
        (schemas(document))
    };
    page(frame, "API reference", &content)
        .into_string()
        .replace(concat!("/static/", env!("ASSETS_VERSION"), "/"), VERSION)
}

fn group(document: &Json, tag: &Json) -> Markup {
    let name = text(&tag["name"]);
    html! {
        section aria-labelledby=(name) {
            h2 id=(name) { (capital(name)) }
            p { (marked(text(&tag["description"]))) }
            @for (path, methods) in fields(&document["paths"]) {
                @for (method, operation) in fields(methods) {
                    @if operation["tags"][0] == tag["name"] { (self::operation(document, path, method, operation)) }
                }
            }
        }
    }
}

fn operation(document: &Json, path: &str, method: &str, operation: &Json) -> Markup {
    let id = text(&operation["operationId"]);
    let parameters = list(&operation["parameters"]).map(|one| resolve(document, one)).collect::<Vec<_>>();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    html! {
        article.card aria-labelledby=(id) {
            h3 id=(id) { (text(&operation["summary"])) }
            p { code { (method.to_ascii_uppercase()) " " (path) } }
            @if let Some(scope) = operation["security"][0]["token"][0].as_str() {
                p.hint { "Takes a token with the scope " code { (scope) } "." }
            }
            @if let Some(role) = operation["security"][0]["access"][0].as_str() {
                p.hint { "Takes the role " code { (role) } "." }
            }
            @for paragraph in paragraphs(&operation["description"]) { p { (paragraph) } }
            @if !parameters.is_empty() {
                h4 { "Parameters" }
                dl {
                    @for parameter in parameters {
                        dt { code { (text(&parameter["name"])) } " " span.hint { (text(&parameter["in"])) " · " (kind(&parameter["schema"])) } }
                        dd { (marked(text(&parameter["description"]))) }
                    }
                }
            }
            @if !body.is_null() { h4 { "Body" } (properties(body)) }
            h4 { "Answers" }
            (answers(operation, |status| status < "400"))
            details {
                summary { "Problems" }
                (answers(operation, |status| status >= "400"))
            }
            h4 { "Examples" }
            @for sample in list(&operation["x-codeSamples"]) { (example(operation, sample)) }
        }
    }
}

fn answers(operation: &Json, is_meant: impl Fn(&str) -> bool) -> Markup {
    html! {
        dl {
            @for (status, answer) in fields(&operation["responses"]).filter(|(status, _)| is_meant(status)) {
                dt { (status) @if let Some(schema) = component(answer) { " " a href={ "#" (schema) } { (schema) } } }
                dd { (marked(text(&answer["description"]))) }
            }
        }
    }
}

fn example(operation: &Json, sample: &Json) -> Markup {
    let label = text(&sample["label"]);
    let answers = fields(&operation["responses"]).flat_map(|(status, answer)| {
        let contents = fields(&answer["content"]).flat_map(|(_, content)| fields(&content["examples"]));
        contents.map(move |(_, example)| (status, example))
    });
    let answer = answers.into_iter().find(|(_, example)| example["summary"] == sample["label"]);
    html! {
        details {
            summary { (label) }
            pre tabindex="0" aria-label={ "Request: " (label) } { code { (text(&sample["source"])) } }
            @if let Some((status, example)) = answer {
                p.hint { "Answer " (status) }
                pre tabindex="0" aria-label={ "Answer: " (label) } { code { (body(&example["value"])) } }
            }
        }
    }
}

fn schemas(document: &Json) -> Markup {
    html! {
        section aria-labelledby="schemas" {
            h2 id="schemas" { "Schemas" }
            @for (name, schema) in fields(&document["components"]["schemas"]) {
                article.card aria-labelledby=(name) {
                    h3 id=(name) { (name) }
                    @for paragraph in paragraphs(&schema["description"]) { p { (paragraph) } }
                    (properties(schema))
                }
            }
        }
    }
}

/// The fields of an object, or what else a schema allows.
fn properties(schema: &Json) -> Markup {
    let is_required = |name: &str| list(&schema["required"]).any(|one| one == name);
    html! {
        @if schema["properties"].is_object() {
            dl {
                @for (name, field) in fields(&schema["properties"]) {
                    dt { code { (name) } " " span.hint { (kind(field)) @if !is_required(name) { " · optional" } } }
                    dd { (marked(text(&field["description"]))) }
                }
            }
        } @else { p { (kind(schema)) } }
    }
}

/// What a schema allows, in a few words.
fn kind(schema: &Json) -> Markup {
    let alternatives = ["anyOf", "oneOf"].into_iter().find_map(|key| schema[key].as_array());
    let words: Vec<String> = list(&schema["enum"]).map(literal).collect();
    html! {
        @if let Some(name) = reference_of(schema) { a href={ "#" (name) } { (name) } }
        @else if let Some(alternatives) = alternatives {
            @for (at, one) in alternatives.iter().enumerate() { @if at > 0 { " or " } (kind(one)) }
        }
        @else if !words.is_empty() { (words.join(", ")) }
        @else if !schema["const"].is_null() { (literal(&schema["const"])) }
        @else if schema["type"] == "array" { "list of " (kind(&schema["items"])) }
        @else if schema["additionalProperties"].is_object() { "object of " (kind(&schema["additionalProperties"])) }
        @else {
            (list(&schema["type"]).map(text).chain(schema["type"].as_str()).collect::<Vec<_>>().join(" or "))
            @if let Some(format) = schema["format"].as_str() { " (" (format) ")" }
            @if let (Some(least), Some(most)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
                " from " (least) " to " (most)
            }
        }
    }
}

fn component(answer: &Json) -> Option<&str> {
    let (_, content) = fields(&answer["content"]).next()?;
    let schema = &content["schema"];
    reference_of(schema).or_else(|| reference_of(&schema["anyOf"][0]))
}

fn reference_of(schema: &Json) -> Option<&str> {
    schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?.rsplit('/').next()
}

fn resolve<'a>(document: &'a Json, value: &'a Json) -> &'a Json {
    let referred = value["$ref"].as_str().and_then(|target| document.pointer(target.trim_start_matches('#')));
    referred.unwrap_or(value)
}

/// Text with its `code` as such.
fn marked(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } }
    }
}

fn paragraphs(value: &Json) -> Vec<Markup> {
    text(value).split("\n\n").filter(|part| !part.is_empty()).map(marked).collect()
}

fn body(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

fn literal(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    format!("{}{rest}", first.to_ascii_uppercase())
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Json) -> impl Iterator<Item = (&str, &Json)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
