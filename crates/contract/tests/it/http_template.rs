use mainstay_contract::http::{MAX_TEMPLATE_SEGMENTS, Segment, Template};
use proptest::prelude::*;

fn parse(text: &str) -> Template {
    Template::parse(text).expect("it parses")
}

/// Column, counted from 1, and message of a template that must not parse.
fn refused(text: &str) -> (usize, &'static str) {
    let error = Template::parse(text).expect_err("it does not parse");
    assert!(error.to_string().contains(text), "{error}");
    (error.offset + 1, error.message)
}

#[test]
fn a_variable_without_a_pattern_is_one_segment() {
    let template = parse("/v1/messages/{message_id}");
    assert_eq!(template.segments.last(), Some(&Segment::One));
    assert_eq!(template.variables[0].field, "message_id");
    assert_eq!(template.covered_by(&template.variables[0]), 2..3);
    assert!(template.is_single(&template.variables[0]));
    assert_eq!(template, parse("/v1/messages/{message_id=*}"));
}

#[test]
fn a_variable_can_take_several_segments() {
    let template = parse("/v1/{name=shelves/*/books/*}");
    assert_eq!(template.segments.len(), 5);
    assert_eq!(template.covered_by(&template.variables[0]), 1..5);
    assert!(!template.is_single(&template.variables[0]));
}

#[test]
fn a_variable_that_ends_with_two_stars_is_open() {
    let template = parse("/v1/{name=files/**}:download");
    assert_eq!(template.covered_by(&template.variables[0]), 1..usize::MAX);
    assert_eq!(template.verb.as_deref(), Some("download"));
    assert!(!parse("/{path=**}").is_single(&parse("/{path=**}").variables[0]));
}

#[test]
fn fields_may_be_nested() {
    assert_eq!(parse("/v1/{book.shelf.name=shelves/*}").variables[0].field, "book.shelf.name");
}

#[test]
fn a_verb_may_follow_a_literal_or_a_variable() {
    assert_eq!(parse("/v1/accounts:signUp").verb.as_deref(), Some("signUp"));
    assert_eq!(parse("/v1/{name=products/*}:undelete").verb.as_deref(), Some("undelete"));
    assert_eq!(parse("/v1/*:x").verb.as_deref(), Some("x"));
}

#[test]
fn what_the_grammar_does_not_say_is_refused_with_its_column() {
    assert_eq!(refused("v1/a"), (1, "a path template starts with `/`"));
    assert_eq!(refused("/"), (2, "expected a segment: a literal, `*`, `**` or `{field}`"));
    assert_eq!(refused("/v1/"), (5, "expected a segment: a literal, `*`, `**` or `{field}`"));
    assert_eq!(refused("/v1//a"), (5, "expected a segment: a literal, `*`, `**` or `{field}`"));
    assert_eq!(refused("/v1/{}"), (6, "expected a field name"));
    assert_eq!(refused("/v1/{a.}"), (8, "expected a field name"));
    assert_eq!(refused("/v1/{1a}"), (6, "expected a field name"));
    assert_eq!(refused("/v1/{a=b"), (9, "expected `}`"));
    assert_eq!(refused("/v1/{a={b}}"), (8, "a variable cannot stand inside another"));
    assert_eq!(refused("/v1/{a}/{a}"), (11, "this field is bound twice"));
    assert_eq!(refused("/v1/{a}b"), (8, "expected `/`, `:` or the end of the template"));
    assert_eq!(refused("/v1/***"), (7, "expected `/`, `:` or the end of the template"));
    assert_eq!(refused("/v1/a:"), (7, "expected a verb after `:`"));
    assert_eq!(refused("/v1/a:b:c"), (8, "expected `/`, `:` or the end of the template"));
    assert_eq!(refused("/v1/a b"), (6, "expected `/`, `:` or the end of the template"));
    assert_eq!(refused("/v1/a%2"), (6, "`%` is followed by two hexadecimal digits"));
    assert_eq!(refused("/v1/**/a"), (9, "`**` stands only at the end"));
    assert_eq!(refused("/v1/{a=**}/b"), (13, "`**` stands only at the end"));
    assert_eq!(refused("/v1/ü"), (5, "expected a segment: a literal, `*`, `**` or `{field}`"));
}

#[test]
fn a_template_has_a_bounded_number_of_segments() {
    assert!(Template::parse(&"/a".repeat(MAX_TEMPLATE_SEGMENTS)).is_ok());
    assert_eq!(refused(&"/a".repeat(MAX_TEMPLATE_SEGMENTS + 1)).1, "a path template has at most 32 segments");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_the_parser_fail_otherwise_than_with_an_error(text in "[/{}*:=.%a-z0-9ü ]{0,40}") {
        let _ = Template::parse(&text);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = Template::parse(&text);
    }
}
