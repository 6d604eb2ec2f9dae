//! What clients send to the gateway: paths, JSON, frames of WebSockets.

use std::sync::{Arc, LazyLock};

use http::Method;
use mainstay_contract::http::Template;
use mainstay_gateway::route::{Keep, Lookup, Trie, decode_path};
use mainstay_gateway::socket::frame::Frame;
use mainstay_wire::{MessageId, Plans};

use crate::sample::{SAMPLE, book};

/// As many routes as a case has at most.
const MAX_ROUTES: usize = 64;

/// Routes on all lines but the last, and a path on that. A route is what it says of itself, or is refused at a place in it; what the
/// path leads to has all that it captures in the path.
pub fn route(source: &str) {
    let (routes, path) = source.rsplit_once('\n').unwrap_or(("", source));
    let (mut trie, mut known) = (Trie::default(), Vec::new());
    for text in routes.split('\n').take(MAX_ROUTES) {
        match Template::parse(text) {
            Ok(template) => {
                assert_eq!(Template::parse(&template.to_string()).as_ref(), Ok(&template));
                if trie.insert(&template, Some(Method::GET), known.len()).is_ok() {
                    known.push(template);
                }
            }
            Err(error) => assert!(error.offset <= text.len(), "{error:?}"),
        }
    }
    if let Lookup::Found { route, segments } = trie.find(path, &Method::GET) {
        let template: &Template = &known[route];
        for variable in &template.variables {
            let captured = &path[segments.span(template.covered_by(variable))];
            let _ = decode_path(captured, Keep::Slash);
        }
    }
}

static PLANS: LazyLock<(Arc<Plans>, MessageId)> = LazyLock::new(|| {
    let plans = Plans::new(&SAMPLE.pool);
    let message = plans.message(&book(&SAMPLE).message).expect("the sample has it");
    (plans, message)
});

/// What is read of it is a message, also where something is wrong with it, and is read again as it is written.
pub fn json(source: &str) {
    let (plans, message) = &*PLANS;
    let read = |json: &[u8]| {
        let mut wire = Vec::new();
        (plans.from_json(*message, json, &mut wire, None), wire)
    };
    let written = |wire: &[u8]| {
        let mut json = Vec::new();
        plans.to_json(*message, wire, &mut json).map(|()| json)
    };
    let (result, wire) = read(source.as_bytes());
    let json = written(&wire).expect("what was read is a message");
    if result.is_ok() {
        let (again, wire) = read(&json);
        again.expect("what was written can be read");
        assert_eq!(written(&wire).as_ref(), Ok(&json));
    }
}

/// It asks for something, or is refused.
pub fn frame(source: &str) {
    if let Ok(Frame::Begin { begin, .. }) = Frame::read(source) {
        let path = begin.path();
        assert!(path.is_none_or(|path| http::uri::PathAndQuery::try_from(path).is_ok()));
        let _ = (begin.headers(), begin.timeout());
    }
}
