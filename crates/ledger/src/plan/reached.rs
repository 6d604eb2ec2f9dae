//! What became of the methods of a resource: paths, routes, and what requests and answers consist of.

use std::collections::BTreeSet;

use mainstay_contract::Verb;

use super::effect::Severity;
use crate::terms::{CommitTerms, FieldChange, FieldText, Fields, MethodTerms, ResourceTerms};

/// What became of the methods of a resource.
#[derive(Default)]
pub(super) struct Reached {
    /// Each route that leads elsewhere now, or nowhere.
    pub routes: Vec<String>,
    /// Routes beside those that stay.
    pub more_routes: Vec<String>,
    /// The services that became others, each with a line for every method.
    pub services: Vec<(String, String, Vec<String>)>,
    pub methods: Vec<(String, String)>,
    pub lost: Vec<String>,
    pub gained: Vec<String>,
    pub requests: Told,
    pub answers: Told,
}

/// Differences of fields.
#[derive(Default)]
pub(super) struct Told {
    pub lines: Vec<String>,
    more: bool,
    less: bool,
    changed: bool,
}

impl Told {
    /// More can be said than before, less, or something else; nothing where all is as it was.
    pub fn severity(&self) -> Option<Severity> {
        match (self.more, self.less, self.changed) {
            (false, false, false) => None,
            (true, false, false) => Some(Severity::Widened),
            (false, true, false) => Some(Severity::Narrowed),
            _ => Some(Severity::Changed),
        }
    }

    fn tell(&mut self, method: &str, (old, new): (&str, &str), change: FieldChange<'_>) {
        self.more |= matches!(change, FieldChange::Added(_));
        self.less |= matches!(change, FieldChange::Removed(_));
        self.changed |= matches!(change, FieldChange::Changed(..));
        let line = match change {
            FieldChange::Added(field) => format!("{method}: new {new}{}", whole(field)),
            FieldChange::Removed(field) => format!("{method}: no {old}{} any more", field.name),
            FieldChange::Changed(was, now) if (was.ty, was.json_name) == (now.ty, now.json_name) => {
                format!("{method}: {old}{} -> {new}{}", was.name, now.name)
            }
            FieldChange::Changed(was, now) => format!("{method}: {old}{} -> {new}{}", whole(was), whole(now)),
        };
        self.lines.push(line);
    }

    fn compare(&mut self, method: &str, prefixes: (&str, &str), was: &Fields, now: &Fields) {
        for change in was.changes(now) {
            self.tell(method, prefixes, change);
        }
    }
}

/// `title (string, in JSON "heading")`
fn whole(field: FieldText<'_>) -> String {
    let json = field.json_name.map_or_else(String::new, |name| format!(", in JSON {name:?}"));
    format!("{} ({}{json})", field.name, field.ty)
}

impl Reached {
    pub fn compare(was: &ResourceTerms, now: &ResourceTerms) -> Reached {
        let mut reached = Reached::default();
        for kind in kinds(was, now) {
            match (of(was, &kind), of(now, &kind)) {
                (Some(old), Some(new)) => reached.method(&kind, (was, old), (now, new)),
                (Some(old), None) => reached.lost.push(old.path.clone()),
                (None, Some(new)) => reached.gained.push(new.path.clone()),
                (None, None) => {}
            }
        }
        match (&was.commit, &now.commit) {
            (Some(old), Some(new)) => reached.commit((was, old), (now, new)),
            (Some(old), None) => reached.lost.push(old.path.clone()),
            (None, Some(new)) => reached.gained.push(new.path.clone()),
            (None, None) => {}
        }
        reached
    }

    fn method(
        &mut self,
        kind: &str,
        (was, old): (&ResourceTerms, &MethodTerms),
        (now, new): (&ResourceTerms, &MethodTerms),
    ) {
        self.moved((old.service(), &old.path), (new.service(), &new.path));
        self.rerouted(&old.routes, &new.routes);
        // What changes nothing may be asked by GET over Connect, too.
        match (old.reads, new.reads) {
            (true, false) => self.routes.push(format!("GET {} (Connect) -> no route", old.path)),
            (false, true) => self.more_routes.push(format!("new: GET {} (Connect)", new.path)),
            _ => {}
        }
        self.requests.compare(new.name(), ("", ""), &old.request, &new.request);
        // A batch takes whole requests: a body that is the same otherwise breaks inside.
        let repeated = Verb::ALL.into_iter().find(|verb| verb.snake() == kind).and_then(Verb::repeats).map(Verb::snake);
        if let Some((old, inner)) = repeated.and_then(|inner| Some((of(was, &inner)?, of(now, &inner)?))) {
            self.requests.compare(new.name(), ("requests.", "requests."), &old.request, &inner.request);
        }
        if old.mute != new.mute {
            let what = |mute: bool| if mute { "nothing" } else { "the row" };
            self.answers.changed = true;
            self.answers.lines.push(format!("{}: {} -> {}", new.name(), what(old.mute), what(new.mute)));
        }
        self.answers.compare(new.name(), ("", ""), &old.answer, &new.answer);
    }

    fn commit(&mut self, (was, old): (&ResourceTerms, &CommitTerms), (now, new): (&ResourceTerms, &CommitTerms)) {
        let service = |path: &str| path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
        self.moved((&service(&old.path), &old.path), (&service(&new.path), &new.path));
        self.rerouted(&old.routes, &new.routes);
        for kind in kinds(was, now) {
            let (before, after) = (old.writes.get(&kind), new.writes.get(&kind));
            let none = Fields::default();
            self.requests.compare("Commit", ("writes.", "writes."), before.unwrap_or(&none), after.unwrap_or(&none));
            let names = before.and_then(Fields::only_name).zip(after.and_then(Fields::only_name));
            let requests = of(was, &kind).zip(of(now, &kind));
            if let Some(((from, to), (old, new))) = names.zip(requests) {
                let prefixes = (&*format!("writes.{from}."), &*format!("writes.{to}."));
                self.requests.compare("Commit", prefixes, &old.request, &new.request);
            }
        }
        self.answers.compare("Commit", ("results.", "results."), &old.results, &new.results);
    }

    fn moved(&mut self, (old_service, old): (&str, &str), (new_service, new): (&str, &str)) {
        if old == new {
            return;
        }
        if old_service == new_service {
            return self.methods.push((old.to_owned(), new.to_owned()));
        }
        let line = format!("{old} -> {new}");
        let known = self.services.iter_mut().find(|(from, to, _)| from == old_service && to == new_service);
        match known {
            Some((_, _, lines)) => lines.push(line),
            None => self.services.push((old_service.to_owned(), new_service.to_owned(), vec![line])),
        }
    }

    fn rerouted(&mut self, old: &[String], new: &[String]) {
        let lines = |routes: &[String]| match routes {
            [] => "no route".to_owned(),
            _ => routes.join(" and "),
        };
        let leads = |route: &String, among: &[String]| among.iter().any(|other| seen(other) == seen(route));
        if old.iter().any(|route| !leads(route, new)) {
            return self.routes.push(format!("{} -> {}", lines(old), lines(new)));
        }
        let more: Vec<String> = new.iter().filter(|route| !leads(route, old)).cloned().collect();
        if !more.is_empty() {
            self.more_routes.push(format!("new: {}", lines(&more)));
        }
    }
}

/// A route as a client sees it: which field of the request a part of the path or the body is, it does not.
fn seen(route: &str) -> String {
    let mut out = String::new();
    let mut rest = route;
    while let Some((before, variable)) = rest.split_once('{') {
        let (inside, after) = variable.split_once('}').unwrap_or((variable, ""));
        let segments = inside.split_once('=').map_or("*", |(_, segments)| segments);
        out.extend([before, "{", segments, "}"]);
        rest = after;
    }
    match rest.split_once("(body: ") {
        Some((before, body)) if !body.starts_with('*') => {
            let answer = body.split_once(')').map_or("", |(_, answer)| answer);
            out.extend([before, "(body: a field)", answer]);
        }
        _ => out.push_str(rest),
    }
    out
}

/// What the methods of both do: what all resources have first.
fn kinds(was: &ResourceTerms, now: &ResourceTerms) -> Vec<String> {
    let mut kinds: Vec<String> = Verb::ALL.map(Verb::snake).into();
    let own: BTreeSet<&String> = was.methods.iter().chain(&now.methods).map(|method| &method.kind).collect();
    let others: Vec<String> = own.into_iter().filter(|kind| !kinds.contains(kind)).cloned().collect();
    kinds.extend(others);
    kinds
}

fn of<'t>(terms: &'t ResourceTerms, kind: &str) -> Option<&'t MethodTerms> {
    terms.methods.iter().find(|method| method.kind == kind)
}
