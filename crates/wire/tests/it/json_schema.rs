//! JSON Schema, draft 7, as far as the schemas here use it. A keyword that it does not know is a panic, so that nothing is
//! passed over in silence. A library would take minutes to build for one test.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// A document with schemas in it, to whose parts they refer.
pub(crate) struct Document<'d>(pub(crate) &'d Value);

impl Document<'_> {
    /// Whether a value keeps to a schema of this document; else where and why not.
    pub(crate) fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let keywords = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => return Err("nothing may be here".to_owned()),
            Value::Object(keywords) => keywords,
            other => panic!("{other} is no schema"),
        };
        if let Some(pointer) = keywords.get("$ref") {
            return self.check(self.target(pointer), value);
        }
        for (keyword, argument) in keywords {
            self.keyword(keywords, (keyword, argument), value)?;
        }
        Ok(())
    }

    /// What a `$ref` refers to.
    pub(crate) fn target(&self, pointer: &Value) -> &Value {
        let pointer = pointer.as_str().expect("a $ref is a text");
        let path = pointer.strip_prefix('#').unwrap_or_else(|| panic!("{pointer} leads elsewhere"));
        self.0.pointer(path).unwrap_or_else(|| panic!("{pointer} leads nowhere"))
    }

    fn keyword(
        &self,
        schema: &Map<String, Value>,
        (keyword, argument): (&str, &Value),
        value: &Value,
    ) -> Result<(), String> {
        let passes = |schema: &&Value| self.check(schema, value).is_ok();
        match keyword {
            "type" => require(has_type(argument, value), || format!("is not of type {argument}")),
            "const" => require(argument == value, || format!("is not {argument}")),
            "enum" => require(list(argument).contains(value), || format!("is none of {argument}")),
            "not" => require(!passes(&argument), || format!("must not be {argument}")),
            "allOf" => list(argument).iter().try_for_each(|schema| self.check(schema, value)),
            "anyOf" => require(list(argument).iter().any(|schema| passes(&schema)), || {
                format!("is none of the kinds {argument}")
            }),
            "oneOf" => self.one_of(list(argument), value),
            "if" => {
                let branch = schema.get(if passes(&argument) { "then" } else { "else" });
                branch.map_or(Ok(()), |branch| self.check(branch, value))
            }
            "minimum" | "maximum" | "exclusiveMinimum" => number(keyword, argument, value),
            "minLength" | "maxLength" | "pattern" => text(keyword, argument, value),
            "items" | "minItems" | "maxItems" | "uniqueItems" => {
                self.array((keyword, argument), value)
            }
            "required"
            | "properties"
            | "patternProperties"
            | "additionalProperties"
            | "propertyNames" => self.object(schema, (keyword, argument), value),
            // Read with `if` and `items`, or without a say.
            "then" | "else" | "additionalItems" | "$schema" | "title" | "description"
            | "format" | "definitions" | "default" | "examples" | "example" => Ok(()),
            other => panic!("the keyword `{other}` is not implemented"),
        }
    }

    fn one_of(&self, schemas: &[Value], value: &Value) -> Result<(), String> {
        let results: Vec<_> = schemas.iter().map(|schema| self.check(schema, value)).collect();
        match results.iter().filter(|result| result.is_ok()).count() {
            1 => Ok(()),
            0 => Err(format!("is none of: {results:?}")),
            many => Err(format!("is {many} things at once")),
        }
    }

    fn array(&self, (keyword, argument): (&str, &Value), value: &Value) -> Result<(), String> {
        let Value::Array(items) = value else { return Ok(()) };
        let count = items.len() as u64;
        let is_good = match keyword {
            "minItems" => argument.as_u64() <= Some(count),
            "maxItems" => Some(count) <= argument.as_u64(),
            "uniqueItems" => (1..items.len()).all(|at| !items[..at].contains(&items[at])),
            _ => {
                let each = items.iter().enumerate();
                for (index, item) in each {
                    // A list of schemas is one for each place; what stands behind them has none.
                    let schema = match argument {
                        Value::Array(schemas) => schemas.get(index),
                        schema => Some(schema),
                    };
                    let result = schema.map_or(Ok(()), |schema| self.check(schema, item));
                    result.map_err(|fault| format!("[{index}] {fault}"))?;
                }
                true
            }
        };
        require(is_good, || format!("has {count} items, against {keyword}"))
    }

    fn object(
        &self,
        schema: &Map<String, Value>,
        (keyword, argument): (&str, &Value),
        value: &Value,
    ) -> Result<(), String> {
        let Value::Object(fields) = value else { return Ok(()) };
        if keyword == "required" {
            let missing = list(argument).iter().find(|name| value.get(as_text(name)).is_none());
            return require(missing.is_none(), || format!("has no field {missing:?}"));
        }
        for (name, value) in fields {
            let result = match keyword {
                "properties" => argument.get(name).map(|schema| self.check(schema, value)),
                "patternProperties" => as_object(argument)
                    .iter()
                    .filter(|(pattern, _)| is_match(pattern, name))
                    .map(|(_, schema)| self.check(schema, value))
                    .find(Result::is_err),
                "propertyNames" => Some(self.check(argument, &name.clone().into())),
                _ if is_named(schema, name) => None,
                _ => Some(self.check(argument, value)),
            };
            result.unwrap_or(Ok(())).map_err(|fault| format!(".{name} {fault}"))?;
        }
        Ok(())
    }
}

/// Whether a field is one of `properties` or `patternProperties`: not an additional one.
fn is_named(schema: &Map<String, Value>, name: &str) -> bool {
    let is_property = schema.get("properties").is_some_and(|known| known.get(name).is_some());
    let patterns = schema.get("patternProperties").map(as_object).into_iter().flatten();
    is_property || patterns.into_iter().any(|(pattern, _)| is_match(pattern, name))
}

fn has_type(argument: &Value, value: &Value) -> bool {
    let is = |name: &Value| match as_text(name) {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("there is no type `{other}`"),
    };
    match argument {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}

fn number(keyword: &str, argument: &Value, value: &Value) -> Result<(), String> {
    let (Some(limit), Some(number)) = (argument.as_f64(), value.as_f64()) else { return Ok(()) };
    let is_good = match keyword {
        "minimum" => limit <= number,
        "maximum" => number <= limit,
        _ => limit < number,
    };
    require(is_good, || format!("is {number}, against {keyword} {limit}"))
}

fn text(keyword: &str, argument: &Value, value: &Value) -> Result<(), String> {
    let Value::String(text) = value else { return Ok(()) };
    let length = Some(text.chars().count() as u64);
    let is_good = match keyword {
        "minLength" => argument.as_u64() <= length,
        "maxLength" => length <= argument.as_u64(),
        _ => is_match(as_text(argument), text),
    };
    require(is_good, || format!("is {text:?}, against {keyword} {argument}"))
}

fn is_match(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text)
}

fn require(is_good: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if is_good { Ok(()) } else { Err(fault()) }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

fn as_text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn as_object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no object"))
}

#[test]
fn the_validator_says_no() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "additionalProperties": false,
        "patternProperties": {"^x-": {"type": ["integer", "null"]}},
        "properties": {
            "a": {"$ref": "#/definitions/name"},
            "b": {"type": "array", "items": {"minimum": 2}, "minItems": 1, "uniqueItems": true},
            "c": {"oneOf": [{"const": 1}, {"type": "integer"}], "not": {"enum": [7]}},
        },
        "if": {"required": ["b"]},
        "then": {"required": ["c"]},
        "definitions": {"name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3}},
    });
    let check = |text: &str| {
        let value = serde_json::from_str(text).expect("JSON");
        Document(&schema).check(&schema, &value).is_ok()
    };
    for good in [r#"{"a":"abc"}"#, r#"{"a":"a","b":[2,3],"c":2}"#, r#"{"a":"a","x-y":null}"#] {
        assert!(check(good), "{good}");
    }
    let bad = [
        "1",
        "{}",
        r#"{"a":"abcd"}"#,
        r#"{"a":"A"}"#,
        r#"{"a":"a","d":1}"#,
        r#"{"a":"a","x-y":1.5}"#,
        r#"{"a":"a","b":[2]}"#,
        r#"{"a":"a","b":[],"c":2}"#,
        r#"{"a":"a","b":[1],"c":2}"#,
        r#"{"a":"a","b":[2,2],"c":2}"#,
        r#"{"a":"a","c":1}"#,
        r#"{"a":"a","c":7}"#,
        r#"{"a":"a","c":"2"}"#,
    ];
    for bad in bad {
        assert!(!check(bad), "{bad}");
    }
}
