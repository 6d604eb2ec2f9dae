//! The settings reference is drawn from the code that reads the settings.
//!
//! `MAINSTAY_WRITE_DIAGRAM=1 cargo test --package mainstay-tests laws::settings` draws it anew.

use std::fmt::Write as _;

use mainstay_runtime::config::{ENVIRONMENT_PREFIX, variable};
use mainstay_runtime::process::Settings;
use serde_json::{Map, Value as Json};

use super::workspace::root;

const HEAD: &str = "\
# Settings

Drawn from the code by a test. A key is set in the file of `--config FILE` (TOML), by a variable of the environment, or by a
flag; the later ones win. The variable of a key is `MAINSTAY__` and the key in capitals, with `__` for each point:
`MAINSTAY__GATEWAY__DATABASE_URL` is `gateway.database_url`. What no service knows is refused, with the place.
";

/// One line of the reference.
struct Setting {
    key: String,
    kind: String,
    default: String,
    about: String,
}

fn schema() -> Json {
    type All = Settings<mainstay_auth::Config, mainstay_data::Config, mainstay_gateway::Config>;
    schemars::schema_for!(All).to_value()
}

/// The settings of an object and below, sections after what stands in the section itself.
fn collect(schema: &Json, object: &Json, prefix: &str, default: &Json, found: &mut Vec<Setting>) {
    let mut sections = Vec::new();
    for (name, field) in object["properties"].as_object().into_iter().flatten() {
        let key = format!("{prefix}{name}");
        let default = if field["default"].is_null() { &default[name] } else { &field["default"] };
        let target = resolved(schema, field);
        if target["properties"].is_object() {
            sections.push((key, target, default.clone()));
            continue;
        }
        // Sections under names that are the installation's own.
        let each = resolved(schema, &target["additionalProperties"]);
        if each["properties"].is_object() {
            sections.push((format!("{key}.ID"), each, Json::Null));
        }
        found.push(Setting { key, kind: kind(schema, field), default: shown(default), about: about(field, target) });
    }
    for (key, target, default) in sections {
        collect(schema, target, &format!("{key}."), &default, found);
    }
}

/// What a field's schema stands for: itself, or what it refers to, optional or not.
fn resolved<'s>(schema: &'s Json, field: &'s Json) -> &'s Json {
    let options = field["anyOf"].as_array().or(field["allOf"].as_array());
    let inner = options.and_then(|all| all.iter().find(|one| one["type"] != "null")).unwrap_or(field);
    let Some(path) = inner["$ref"].as_str() else { return inner };
    schema.pointer(path.trim_start_matches('#')).expect("a reference leads somewhere")
}

fn kind(schema: &Json, field: &Json) -> String {
    let target = resolved(schema, field);
    if let Some(words) = words(target) {
        let words: Vec<String> = words.into_iter().map(|(word, _)| format!("`{word}`")).collect();
        return words.join(", ");
    }
    let types: Vec<&str> = match &target["type"] {
        Json::Array(types) => types.iter().filter_map(Json::as_str).filter(|kind| *kind != "null").collect(),
        one => one.as_str().into_iter().collect(),
    };
    match types.first().copied() {
        Some("integer") => "integer".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("array") => "list".to_owned(),
        Some("object") => "table".to_owned(),
        Some(_) => "text".to_owned(),
        None => panic!("a setting without a type: {field}"),
    }
}

/// The words that a setting takes, with what each means.
fn words(target: &Json) -> Option<Vec<(&str, &str)>> {
    if let Some(all) = target["oneOf"].as_array() {
        return Some(all.iter().filter_map(|one| Some((one["const"].as_str()?, text(one)))).collect());
    }
    let all = target["enum"].as_array()?;
    Some(all.iter().filter_map(Json::as_str).map(|word| (word, "")).collect())
}

fn text(schema: &Json) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

fn about(field: &Json, target: &Json) -> String {
    let own = if text(field).is_empty() { text(target) } else { text(field) };
    let mut about = own.split_whitespace().collect::<Vec<_>>().join(" ");
    for (word, meaning) in words(target).unwrap_or_default() {
        if !meaning.is_empty() {
            let _ = write!(about, " `{word}`: {}", meaning.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    about.replace('|', "\\|")
}

fn shown(default: &Json) -> String {
    match default {
        Json::Null => "–".to_owned(),
        Json::Object(map) if map.is_empty() => "–".to_owned(),
        Json::Array(list) if list.is_empty() => "–".to_owned(),
        Json::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn settings() -> Vec<Setting> {
    let schema = schema();
    let mut found = Vec::new();
    collect(&schema, &schema, "", &Json::Object(Map::new()), &mut found);
    found
}

fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut section = None;
    for setting in settings() {
        let (in_section, _) = setting.key.rsplit_once('.').unwrap_or(("", ""));
        if section.as_deref() != Some(in_section) {
            if !in_section.is_empty() {
                let _ = write!(page, "\n## `[{in_section}]`\n");
            }
            page.push_str("\n| key | takes | default | what it is for |\n|---|---|---|---|\n");
            section = Some(in_section.to_owned());
        }
        let Setting { key, kind, default, about } = setting;
        let _ = writeln!(page, "| `{key}` | {kind} | {default} | {about} |");
    }
    page
}

#[test]
fn the_settings_reference_is_what_the_code_reads() {
    let path = root().join("deploy/SETTINGS.md");
    let drawn = reference();
    if std::env::var_os("MAINSTAY_WRITE_DIAGRAM").is_some() {
        std::fs::write(&path, drawn).expect("the reference can be written");
    } else {
        let stands = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            stands, drawn,
            "draw it anew: MAINSTAY_WRITE_DIAGRAM=1 cargo test --package mainstay-tests laws::settings"
        );
    }
}

#[test]
fn every_setting_says_what_it_is_for() {
    let settings = settings();
    assert!(settings.len() > 40, "the settings were found: {}", settings.len());
    let silent: Vec<&str> =
        settings.iter().filter(|setting| setting.about.is_empty()).map(|setting| setting.key.as_str()).collect();
    assert_eq!(silent, [""; 0], "a setting's doc comment says what it is for");
    assert_eq!(variable("gateway.database_url"), format!("{ENVIRONMENT_PREFIX}GATEWAY__DATABASE_URL"));
}
