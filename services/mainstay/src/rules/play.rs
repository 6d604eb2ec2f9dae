//! One test: the call that it makes, and whether what came is what was expected.

use std::collections::BTreeSet;

use mainstay_contract::{Contract, Method, Resource, Verb};
use mainstay_data::seed;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Principal, User};
use mainstay_record::time::Duration;
use serde_json::{Map, Value as Json, json};

use super::file::{File, Test};
use super::stage::{Refusal, Stage};

/// A call that a test makes.
struct Play<'c> {
    method: &'c Method,
    request: Map<String, Json>,
    /// What is said of it: `get orders/first`.
    words: String,
}

/// Plays a test. Fails with what is to be said.
pub async fn play(stage: &Stage, file: &File, test: &Test) -> Result<(), String> {
    let play = Play::of(&stage.contract, test)?;
    let who = test.caller.as_deref().unwrap_or("nobody who is signed in");
    let outcome = stage.call(play.method, caller(stage, file, test)?, &play.request).await;
    match (outcome, test.expect.as_str()) {
        (Err(Refusal::Request(problem)), _) => Err(problem),
        (Ok(answer), "allow") => test.look(&answer),
        (Ok(_), expected) => Err(format!("expected {expected}, and {who} may {}", play.words)),
        (Err(Refusal::Fault(fault)), "deny") if is_denied(&fault) => stage.is_there(&play, file).await,
        (Err(Refusal::Fault(fault)), expected) if fault.reason().map(Reason::name) == Some(expected) => Ok(()),
        (Err(Refusal::Fault(fault)), expected) => {
            Err(format!("expected {expected}, and {who} may not {}: {}", play.words, words(&fault)))
        }
    }
}

impl Stage {
    /// What is not there is not found by anybody, which shows nothing of a rule.
    async fn is_there(&self, play: &Play<'_>, file: &File) -> Result<(), String> {
        let Some(Json::String(name)) = play.request.get("name") else { return Ok(()) };
        let Some(resource) = play.method.shape.resource() else { return Ok(()) };
        let Some(get) = self.contract.method(Verb::Get, resource) else { return Ok(()) };
        let request = object(json!({"name": name}));
        // It may be there for another organisation.
        let organisations = file.organisations();
        let within = organisations.iter().map(|organisation| Principal::system().within(organisation));
        for system in std::iter::once(Principal::system()).chain(within) {
            if self.call(get, system, &request).await.is_ok() {
                return Ok(());
            }
        }
        Err(format!("there is no row {name} among the rows of the file, so nobody finds it"))
    }
}

impl<'c> Play<'c> {
    fn of(contract: &'c Contract, test: &Test) -> Result<Play<'c>, String> {
        if let Some(name) = &test.get {
            let (method, _) = Play::on_row(contract, Verb::Get, name)?;
            return Ok(Play { method, request: object(json!({"name": name})), words: format!("get {name}") });
        }
        for (verb, name) in [(Verb::Delete, &test.delete), (Verb::Undelete, &test.undelete)] {
            let Some(name) = name else { continue };
            let (method, _) = Play::on_row(contract, verb, name)?;
            let request = object(json!({"name": name, "validate_only": true}));
            return Ok(Play { method, request, words: format!("{} {name}", verb.snake()) });
        }
        if let Some(record) = &test.create {
            return Play::create(contract, record);
        }
        if let Some(record) = &test.update {
            return Play::update(contract, record);
        }
        if let Some(message) = &test.list {
            return Play::list(contract, test, message);
        }
        Play::call(contract, test)
    }

    fn create(contract: &'c Contract, record: &Map<String, Json>) -> Result<Play<'c>, String> {
        let name = name_of(record)?;
        let (method, resource) = Play::on_row(contract, Verb::Create, name)?;
        let mut request = seed::create_request(resource, &Json::Object(record.clone()))?;
        request.insert("validate_only".into(), Json::Bool(true));
        Ok(Play { method, request, words: format!("create {name}") })
    }

    fn update(contract: &'c Contract, record: &Map<String, Json>) -> Result<Play<'c>, String> {
        let name = name_of(record)?;
        let (method, resource) = Play::on_row(contract, Verb::Update, name)?;
        let mask: Vec<&str> = record.keys().map(String::as_str).filter(|field| *field != "name").collect();
        let mut request = object(json!({"update_mask": mask.join(","), "validate_only": true}));
        request.insert(resource.singular.clone(), Json::Object(record.clone()));
        Ok(Play { method, request, words: format!("update {} of {name}", mask.join(", ")) })
    }

    fn list(contract: &'c Contract, test: &Test, message: &str) -> Result<Play<'c>, String> {
        let index = contract.resources.iter().position(|resource| resource.message == message).ok_or_else(|| {
            let known: Vec<&str> = contract.resources.iter().map(|resource| resource.message.as_str()).collect();
            format!("the contract has no resource {message}; it has: {}", known.join(", "))
        })?;
        let method = contract.method(Verb::List, index).ok_or_else(|| format!("{message} has no List"))?;
        let mut request = object(json!({"page_size": 1_000}));
        for (field, value) in [("parent", &test.parent), ("filter", &test.filter)] {
            if let Some(value) = value {
                request.insert(field.into(), Json::String(value.clone()));
            }
        }
        Ok(Play { method, request, words: format!("list {message}") })
    }

    fn call(contract: &'c Contract, test: &Test) -> Result<Play<'c>, String> {
        let path = test.call.as_deref().unwrap_or_default().trim_start_matches('/');
        let found = contract.methods.iter().find(|method| method.path.trim_start_matches('/') == path);
        let method = found.ok_or_else(|| format!("the contract has no method {path}"))?;
        let mut request = test.request.clone().unwrap_or_default();
        if method.side_effects {
            // No test sees what another has done.
            request.insert("validate_only".into(), Json::Bool(true));
        }
        Ok(Play { method, request, words: format!("call {path}") })
    }

    /// The method of the resource whose names look like this one.
    fn on_row(contract: &'c Contract, verb: Verb, name: &str) -> Result<(&'c Method, &'c Resource), String> {
        let of_that_form = |resource: &Resource| resource.template.parse(name).is_some();
        let found = contract.resources.iter().position(|resource| of_that_form(resource));
        let index = found.ok_or_else(|| {
            let known: Vec<&str> = contract.resources.iter().map(|resource| resource.pattern.as_str()).collect();
            format!("no resource has a name like {name}; their patterns are: {}", known.join(", "))
        })?;
        let resource = &*contract.resources[index];
        let method = contract.method(verb, index);
        Ok((method.ok_or_else(|| format!("{} has no {}", resource.message, verb.snake()))?, resource))
    }
}

impl Test {
    /// Whether the answer has what it should and nothing that it should not.
    fn look(&self, answer: &Json) -> Result<(), String> {
        for field in &self.with {
            if at(answer, field).is_none() {
                return Err(format!("the answer has no {field}: {answer}"));
            }
        }
        for field in &self.without {
            if let Some(value) = at(answer, field) {
                return Err(format!("the answer has {field}: {value}"));
            }
        }
        let Some(wanted) = &self.finds else { return Ok(()) };
        let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
        let found: BTreeSet<&str> = rows(answer).filter_map(|row| row.get("name")?.as_str()).collect();
        if found == wanted {
            return Ok(());
        }
        let some = |names: Vec<&&str>| names.into_iter().copied().collect::<Vec<_>>().join(", ");
        let (missing, more) =
            (wanted.difference(&found).collect::<Vec<_>>(), found.difference(&wanted).collect::<Vec<_>>());
        match (missing.is_empty(), more.is_empty()) {
            (false, true) => Err(format!("it does not find {}", some(missing))),
            (true, _) => Err(format!("it finds {}, too", some(more))),
            (false, false) => Err(format!("it does not find {}, and finds {}", some(missing), some(more))),
        }
    }
}

/// Who makes the call. Fails where what the file says of them cannot be.
fn caller(stage: &Stage, file: &File, test: &Test) -> Result<Principal, String> {
    let Some((name, text)) = test.caller.as_ref().and_then(|name| file.callers.get_key_value(name)) else {
        return Ok(Principal::anonymous());
    };
    let fresh = text.fresh.as_deref().map(|fresh| match Duration::parse_units(fresh) {
        Ok(ago) if ago.nanos == 0 && ago.seconds >= 0 => Ok(ago.seconds),
        _ => Err(format!("`fresh` of {name} is no duration in whole seconds, such as 60s: {fresh}")),
    });
    Ok(Principal::user(User {
        uid: text.uid.clone().unwrap_or_else(|| name.clone()),
        email: text.email.clone(),
        email_verified: text.email_verified,
        roles: text.roles.clone(),
        methods: text.amr.clone(),
        level: text.aal.unwrap_or(1),
        authenticated_at: fresh.transpose()?.map(|ago| stage.now_seconds() - ago),
        organisation: text.org.clone(),
        organisation_roles: text.org_roles.clone(),
        claims: text.claims.clone(),
        is_unnamed: text.anonymous,
        ..User::default()
    }))
}

/// What rules come to: a row that may not be read is not found.
fn is_denied(fault: &Fault) -> bool {
    matches!(fault.reason(), Some(Reason::PermissionDenied | Reason::Unauthenticated | Reason::ResourceNotFound))
}

fn words(fault: &Fault) -> String {
    let violations =
        fault.violations().iter().map(|violation| format!("{} {}", violation.field, violation.description));
    let told: Vec<String> = std::iter::once(fault.text().to_owned()).chain(violations).collect();
    match fault.reason() {
        Some(reason) => format!("{} ({})", told.join("; "), reason.name()),
        None => told.join("; "),
    }
}

fn name_of(record: &Map<String, Json>) -> Result<&str, String> {
    record.get("name").and_then(Json::as_str).ok_or_else(|| "the row has no `name`".to_owned())
}

/// The value at a path of names; of a list, in one of its rows.
fn at<'j>(answer: &'j Json, path: &str) -> Option<&'j Json> {
    let within = |value: &'j Json| path.split('.').try_fold(value, |value, name| value.get(camel(name)));
    within(answer).or_else(|| rows(answer).find_map(within))
}

/// The rows of a list's answer.
fn rows(answer: &Json) -> impl Iterator<Item = &Json> {
    answer.as_object().into_iter().flat_map(|fields| fields.values()).filter_map(Json::as_array).flatten()
}

/// Answers have fields by their names in JSON.
fn camel(name: &str) -> String {
    mainstay_record::names::json_name(name)
}

fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}
