use http::Method;
use mainstay_contract::http::{Segment, Template};
use mainstay_gateway::route::{Ambiguous, Lookup, Trie};
use proptest::prelude::*;

use super::template::templates;

fn trie(routes: &[(Method, &str)]) -> Trie {
    let mut trie = Trie::default();
    for (number, (method, template)) in routes.iter().enumerate() {
        trie.insert(&Template::parse(template).unwrap(), Some(method.clone()), number).unwrap();
    }
    trie
}

/// The route's number and the text that its variables take, in order.
fn found(trie: &Trie, template: &[(Method, &str)], method: &Method, path: &str) -> Option<(usize, Vec<String>)> {
    match trie.find(path, method) {
        Lookup::Found { route, segments } => {
            let template = Template::parse(template[route].1).unwrap();
            let texts = template.variables.iter().map(|v| path[segments.span(template.covered_by(v))].to_owned());
            Some((route, texts.collect()))
        }
        _ => None,
    }
}

const GET: Method = Method::GET;

/// The examples of google/api/http.proto's comments, and what follows from its rules.
#[test]
fn paths_of_the_http_proto_examples_find_their_templates() {
    let routes = [
        (GET, "/v1/{name=messages/*}"),
        (GET, "/v1/users/{user_id}/messages/{message_id}"),
        (GET, "/v1/{name=shelves/*/books/*}"),
        (GET, "/v1/{name=shelves/*}"),
        (GET, "/v2/{resource=files/**}"),
        (GET, "/v1/special/thing"),
        (GET, "/v1/special/{id}"),
        (GET, "/v1/{name=messages/*}:cancel"),
        (GET, "/v3/{everything=**}"),
        (GET, "/v3/{a}/b"),
    ];
    let trie = trie(&routes);
    /// A path, and the number and the captures of its route.
    type Case = (&'static str, Option<(usize, &'static [&'static str])>);
    let cases: &[Case] = &[
        ("/v1/messages/123456", Some((0, &["messages/123456"]))),
        ("/v1/users/me/messages/123456", Some((1, &["me", "123456"]))),
        ("/v1/shelves/1/books/2", Some((2, &["shelves/1/books/2"]))),
        ("/v1/shelves/1", Some((3, &["shelves/1"]))),
        ("/v2/files", Some((4, &["files"]))),
        ("/v2/files/a", Some((4, &["files/a"]))),
        ("/v2/files/a/b/c", Some((4, &["files/a/b/c"]))),
        ("/v1/special/thing", Some((5, &[]))),
        ("/v1/special/other", Some((6, &["other"]))),
        ("/v1/messages/1:cancel", Some((7, &["messages/1"]))),
        ("/v1/messages/a:b:cancel", Some((7, &["messages/a:b"]))),
        // A verb that nobody has is part of the segment.
        ("/v1/messages/1:other", Some((0, &["messages/1:other"]))),
        ("/v1/messages/:cancel", Some((0, &["messages/:cancel"]))),
        ("/v3", Some((8, &[""]))),
        ("/v3/x/b", Some((9, &["x"]))),
        // `*` leads nowhere, so `**` takes it.
        ("/v3/x/c", Some((8, &["x/c"]))),
        ("/v1/shelves", None),
        ("/v1/shelves/1/books", None),
        ("/v1/shelves/1/books/2/3", None),
        ("/v4", None),
    ];
    for (path, wanted) in cases {
        let wanted = wanted.map(|(route, texts)| (route, texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()));
        assert_eq!(found(&trie, &routes, &GET, path), wanted, "{path}");
    }
}

#[test]
fn no_other_spelling_of_a_path_finds_its_route() {
    let routes = [(GET, "/v1/{name=messages/*}"), (GET, "/v2/{rest=**}"), (GET, "/v1/things")];
    let trie = trie(&routes);
    let spellings = [
        "",
        "/",
        "v1/messages/1",
        "//v1/messages/1",
        "/v1//messages/1",
        "/v1/messages//1",
        "/v1/messages/1/",
        "/v1/messages/",
        "/V1/messages/1",
        "/v1/Messages/1",
        "/v1%2Fmessages/1",
        "/v1/messages%2F1",
        "/v1/mess%61ges/1",
        "/v1/./messages/1",
        "/v2/a//b",
        "/v2/a/",
        "//v2/a",
        "/v1/things/",
        "/v1/things?",
        "*",
        "http://host/v1/things",
    ];
    for path in spellings {
        assert!(matches!(trie.find(path, &GET), Lookup::Unknown), "{path}");
    }
}

#[test]
fn a_path_that_is_known_with_other_methods_says_which() {
    let trie = trie(&[
        (GET, "/v1/{name=messages/*}"),
        (Method::DELETE, "/v1/{name=messages/*}"),
        (Method::PATCH, "/v1/messages/special"),
        (Method::POST, "/v1/{name=messages/*}:undelete"),
    ]);
    let Lookup::WrongMethod { mut allow } = trie.find("/v1/messages/special", &Method::PUT) else { panic!() };
    allow.sort_by_key(|method| method.as_str().to_owned());
    assert_eq!(allow, [Method::DELETE, GET, Method::HEAD, Method::PATCH]);
    let Lookup::WrongMethod { allow } = trie.find("/v1/messages/1:undelete", &GET) else { panic!() };
    assert_eq!(allow, [Method::POST]);
    assert!(matches!(trie.find("/v1/messages/special", &GET), Lookup::Found { route: 0, .. }));
}

#[test]
fn a_post_to_a_verb_that_there_is_not_is_told_those_that_there_are() {
    let trie = trie(&[
        (GET, "/v1/{name=messages/*}"),
        (GET, "/v1/{name=messages/*}:history"),
        (Method::POST, "/v1/{name=messages/*}:undelete"),
        (Method::POST, "/v1/{name=messages/*}:send"),
        (Method::POST, "/v1/{name=letters/*}:post"),
        (GET, "/v1/{name=notes/*}"),
    ]);
    let Lookup::NoVerb { verbs } = trie.find("/v1/messages/1:sned", &Method::POST) else { panic!() };
    assert_eq!(verbs, ["send", "undelete"].map(Box::<str>::from));
    // What has no verbs takes other methods, and so does what has no colon; what is read may have one.
    let Lookup::WrongMethod { allow } = trie.find("/v1/notes/1:sned", &Method::POST) else { panic!() };
    assert_eq!(allow, [GET, Method::HEAD]);
    assert!(matches!(trie.find("/v1/messages/1", &Method::POST), Lookup::WrongMethod { .. }));
    assert!(matches!(trie.find("/v1/messages/1:sned", &Method::PUT), Lookup::WrongMethod { .. }));
    assert!(matches!(trie.find("/v1/messages/1:sned", &GET), Lookup::Found { route: 0, .. }));
    assert!(matches!(trie.find("/v1/nothing/1:sned", &Method::POST), Lookup::Unknown));
}

#[test]
fn two_templates_for_the_same_requests_are_ambiguous() {
    let mut trie = Trie::default();
    let mut insert =
        |template: &str, method: Option<Method>, route| trie.insert(&Template::parse(template).unwrap(), method, route);
    assert_eq!(insert("/v1/{name=products/*}", Some(GET), 0), Ok(()));
    assert_eq!(insert("/v1/products/{id}", Some(GET), 1), Err(Ambiguous { with: 0 }));
    assert_eq!(insert("/v1/products/{id}", Some(Method::PUT), 2), Ok(()));
    assert_eq!(insert("/v1/products/{id}:x", Some(GET), 3), Ok(()));
    assert_eq!(insert("/v1/products/*:x", Some(GET), 4), Err(Ambiguous { with: 3 }));
    assert_eq!(insert("/v1/{p=products/**}", Some(GET), 5), Ok(()));
    assert_eq!(insert("/v1/products/**", Some(GET), 6), Err(Ambiguous { with: 5 }));
    assert_eq!(insert("/v1/products/*", None, 7), Ok(()));
}

#[test]
fn a_rule_for_every_method_gives_way_to_one_for_the_method() {
    let mut trie = Trie::default();
    trie.insert(&Template::parse("/v1/a").unwrap(), None, 0).unwrap();
    trie.insert(&Template::parse("/v1/a").unwrap(), Some(GET), 1).unwrap();
    assert!(matches!(trie.find("/v1/a", &GET), Lookup::Found { route: 1, .. }));
    assert!(matches!(trie.find("/v1/a", &Method::POST), Lookup::Found { route: 0, .. }));
}

#[test]
fn a_path_longer_than_any_template_is_looked_up_too() {
    let trie = trie(&[(GET, "/v1/{rest=**}")]);
    let path = format!("/v1{}", "/a".repeat(5_000));
    let Lookup::Found { segments, .. } = trie.find(&path, &GET) else { panic!() };
    assert_eq!(&path[segments.span(1..usize::MAX)], &path[4..]);
    assert!(matches!(trie.find(&"/a".repeat(40_000), &GET), Lookup::Unknown));
}

/// Decides by brute force whether a template takes a path, verb included.
fn matches(template: &Template, path: &str) -> bool {
    let (path, verb) = match &template.verb {
        None => (path, true),
        Some(verb) => match path.strip_suffix(verb.as_str()).and_then(|path| path.strip_suffix(':')) {
            Some(path) => (path, !path.ends_with('/')),
            None => (path, false),
        },
    };
    let parts: Vec<&str> = path[1..].split('/').collect();
    let open = template.segments.last() == Some(&Segment::Rest);
    let fixed = template.segments.len() - usize::from(open);
    verb && parts.len() >= fixed
        && (open || parts.len() == fixed)
        && parts.iter().zip(&template.segments).take(fixed).all(|(part, segment)| match segment {
            Segment::Literal(text) => part == text,
            _ => !part.is_empty(),
        })
}

/// A path that a template takes, from texts for its wildcards.
fn build(template: &Template, texts: &[String]) -> String {
    let mut texts = texts.iter().cycle();
    let mut path = String::new();
    for segment in &template.segments {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::One | Segment::Rest => path.push_str(texts.next().unwrap()),
        }
    }
    template.verb.iter().for_each(|verb| path.push_str(&format!(":{verb}")));
    path
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_path_made_from_a_template_finds_a_route_that_takes_it(
        all in prop::collection::vec(templates(), 1..8),
        texts in prop::collection::vec("[a-z0-9_.~-]{1,6}", 1..4),
    ) {
        let mut trie = Trie::default();
        let mut templates = Vec::new();
        for text in &all {
            let template = Template::parse(text).unwrap();
            if trie.insert(&template, Some(GET), templates.len()).is_ok() {
                templates.push(template);
            }
        }
        for template in &templates {
            let path = build(template, &texts);
            let Lookup::Found { route, segments } = trie.find(&path, &GET) else {
                return Err(TestCaseError::fail(format!("{path} is not found, made from {template}")));
            };
            prop_assert!(matches(&templates[route], &path), "{} by {}", path, templates[route]);
            for variable in &templates[route].variables {
                let range = segments.span(templates[route].covered_by(variable));
                prop_assert!(path.get(range).is_some());
            }
        }
    }

    #[test]
    fn what_no_template_takes_is_not_found(
        all in prop::collection::vec(templates(), 1..8),
        path in "(/[a-z0-9:%.]{0,3}){0,6}",
    ) {
        let mut trie = Trie::default();
        let templates: Vec<Template> = all.iter().map(|text| Template::parse(text).unwrap()).collect();
        for (number, template) in templates.iter().enumerate() {
            let _ = trie.insert(template, Some(GET), number);
        }
        let canonical = path.len() > 1 && !path.ends_with('/') && !path.contains("//");
        let takes = canonical && templates.iter().any(|template| matches(template, &path));
        prop_assert_eq!(matches!(trie.find(&path, &GET), Lookup::Found { .. }), takes, "{}", path);
    }

    #[test]
    fn no_path_makes_the_trie_panic(all in prop::collection::vec(templates(), 0..4), path in any::<String>()) {
        let mut trie = Trie::default();
        for (number, text) in all.iter().enumerate() {
            let _ = trie.insert(&Template::parse(text).unwrap(), Some(GET), number);
        }
        let _ = trie.find(&path, &GET);
    }
}

#[test]
fn head_is_served_wherever_get_is_unless_it_has_a_route_of_its_own() {
    let head = Method::HEAD;
    let any = Template::parse("/v1/any/{x}").unwrap();
    let mut trie =
        trie(&[(GET, "/v1/things"), (Method::POST, "/v1/made"), (GET, "/v1/own"), (head.clone(), "/v1/own")]);
    trie.insert(&any, None, 7).unwrap();
    trie.insert(&any, Some(GET), 8).unwrap();
    let found = |path: &str| match trie.find(path, &head) {
        Lookup::Found { route, .. } => Some(route),
        _ => None,
    };
    assert_eq!(found("/v1/things"), Some(0));
    assert_eq!(found("/v1/made"), None);
    assert_eq!(found("/v1/own"), Some(3));
    assert_eq!(found("/v1/any/1"), Some(8), "GET says more of HEAD than a route for every method");
    assert_eq!(found("/v1/none"), None);
}
