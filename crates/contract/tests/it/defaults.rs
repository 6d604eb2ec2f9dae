//! Defaults: values of their fields, that never stand in for a zero that somebody meant.

use mainstay_contract::{Severity, Source, compile_applied};
use mainstay_expr::{Expr, Program};
use mainstay_record::Value;

use crate::harness::{compile_text, thing};

const ENUMS: &str = "enum Level { LOW = 0; HIGH = 1; } enum State { STATE_UNSPECIFIED = 0; CART = 1; }
  enum Bare { UNSPECIFIED = 0; SOME = 1; } enum Late { option allow_alias = true; NONE = 0; LATE_UNSPECIFIED = 0; ONE = 1; }";

fn field(declaration: &str, default: &str, options: &str) -> String {
    let more = if options.is_empty() { String::new() } else { format!(", {options}") };
    thing(&format!("{declaration} = 2 [(mainstay.v1.field).default = \"{default}\"{more}];\n  {ENUMS}"))
}

/// The one error of a contract with such a field, with its cause and its help.
fn refused(declaration: &str, default: &str, options: &str) -> (String, String, String) {
    let text = field(declaration, default, options);
    let Err(problems) = compile_text(&text) else { panic!("{declaration} {default} {options} is taken") };
    let problems = problems.0;
    let [problem] = problems.as_slice() else { panic!("{declaration} {default} {options}: {problems:?}") };
    let line = text.lines().nth(problem.line as usize - 1).expect("the line is there");
    let marked: String = line.chars().skip(problem.column as usize - 1).collect();
    assert!(marked.starts_with(&format!("\"{default}\"")), "{declaration} {default}: points at {marked}");
    (problem.message.clone(), problem.cause.clone().unwrap_or_default(), problem.help.clone().unwrap_or_default())
}

fn taken(declaration: &str, default: &str, options: &str) -> Option<Program> {
    let contract = compile_text(&field(declaration, default, options))
        .unwrap_or_else(|problems| panic!("{declaration} {default} {options}:\n{problems}"));
    contract.resources[0].fields[1].default.as_deref().cloned()
}

#[test]
fn a_default_that_would_replace_an_explicit_zero_is_refused() {
    for (ty, default, zero) in [
        ("bool", "true", "`false`"),
        ("bool", "auth.email_verified", "`false`"),
        ("int32", "3", "`0`"),
        ("int64", "-3", "`0`"),
        ("uint32", "3", "`0`"),
        ("uint64", "3", "`0`"),
        ("sint32", "3", "`0`"),
        ("sint64", "3", "`0`"),
        ("fixed32", "3", "`0`"),
        ("fixed64", "3", "`0`"),
        ("sfixed32", "3", "`0`"),
        ("sfixed64", "3", "`0`"),
        ("float", "0.5", "`0`"),
        ("double", "0.5", "`0`"),
        ("string", "'new'", "empty text"),
        ("bytes", "b'new'", "empty value"),
        ("Level", "Level.HIGH", "`LOW`"),
        ("Late", "Late.ONE", "`NONE`"),
    ] {
        let (message, cause, help) = refused(&format!("{ty} f"), default, "");
        assert_eq!(message, format!("the default of f would replace an explicit {zero}"));
        assert!(cause.contains("left out"), "{cause}");
        assert!(help.starts_with(&format!("write `optional {ty} f = 2`")), "{help}");
        taken(&format!("optional {ty} f"), default, "");
    }
}

#[test]
fn false_and_0_mean_something_even_where_the_field_refuses_them() {
    for (ty, default, options) in [
        ("bool", "true", "(google.api.field_behavior) = REQUIRED"),
        ("bool", "true", "(buf.validate.field).bool.const = true"),
        ("int32", "3", "(google.api.field_behavior) = REQUIRED"),
        ("int32", "3", "(buf.validate.field).int32.gt = 0"),
        ("Level", "Level.HIGH", "(google.api.field_behavior) = REQUIRED"),
    ] {
        assert!(refused(&format!("{ty} f"), default, options).0.contains("would replace"), "{ty} {options}");
    }
}

#[test]
fn a_zero_that_nobody_can_mean_counts_as_left_out() {
    for (ty, default, options) in [
        ("State", "State.CART", ""),
        ("Bare", "Bare.SOME", ""),
        ("string", "auth.uid", ""),
        ("string", "auth.email", ""),
        ("string", "'users/' + auth.uid", ""),
        ("string", "'new'", "(google.api.field_behavior) = REQUIRED"),
        ("string", "'new'", "(buf.validate.field).required = true"),
        ("string", "'new'", "(buf.validate.field).string.min_len = 1"),
        ("string", "'new'", "(buf.validate.field).string.pattern = '^[a-z]+$'"),
        ("string", "'new'", "(buf.validate.field).string = {in: ['new', 'old']}"),
        ("string", "'new'", "(buf.validate.field).string.not_in = ''"),
        ("bytes", "b'new'", "(google.api.field_behavior) = REQUIRED"),
        ("google.protobuf.BoolValue", "true", ""),
        ("google.protobuf.Int32Value", "3", ""),
        ("google.protobuf.StringValue", "'new'", ""),
        ("google.protobuf.Timestamp", "now", ""),
        ("google.protobuf.Duration", "duration('90s')", ""),
    ] {
        assert!(taken(&format!("{ty} f"), default, options).is_some(), "{ty} {default}");
    }
    let ignored = "(buf.validate.field) = {string: {min_len: 1} ignore: IGNORE_IF_ZERO_VALUE}";
    assert!(refused("string f", "'new'", ignored).0.contains("would replace"), "the empty text is let through");
    let ignored = "(buf.validate.field) = {string: {min_len: 1} ignore: IGNORE_ALWAYS}";
    assert!(refused("string f", "'new'", ignored).0.contains("would replace"), "nothing refuses the empty text");
}

#[test]
fn a_default_that_is_the_zero_is_what_is_so_anyway() {
    for (ty, default) in [
        ("bool", "false"),
        ("int32", "0"),
        ("double", "0.0"),
        ("double", "-0.0"),
        ("float", "0"),
        ("string", "''"),
        ("bytes", "b''"),
        ("Level", "Level.LOW"),
        ("State", "State.STATE_UNSPECIFIED"),
    ] {
        taken(&format!("{ty} f"), default, "");
        let optional = taken(&format!("optional {ty} f"), default, "");
        assert!(matches!(optional, Some(Program { root: Expr::Literal(value) }) if value != Value::Null), "{ty}");
    }
}

#[test]
fn a_default_that_breaks_its_own_constraint_is_refused() {
    for (ty, default, options, said) in [
        ("int32", "3", "(buf.validate.field).int32.gte = 5", "must be at least 5, and this is 3"),
        ("int64", "5", "(buf.validate.field).int64.gt = 5", "must be greater than 5, and this is 5"),
        ("uint32", "5", "(buf.validate.field).uint32.lt = 5", "must be less than 5, and this is 5"),
        ("fixed64", "6", "(buf.validate.field).fixed64.lte = 5", "must be at most 5, and this is 6"),
        ("sint32", "3", "(buf.validate.field).sint32.const = 5", "must be one of 5, and this is 3"),
        ("sfixed64", "3", "(buf.validate.field).sfixed64 = {in: [1, 2]}", "must be one of 1, 2, and this is 3"),
        ("int32", "3", "(buf.validate.field).int32.not_in = 3", "must be none of 3, and this is 3"),
        ("double", "0.5", "(buf.validate.field).double.gt = 0.5", "must be greater than 0.5, and this is 0.5"),
        ("float", "0.5", "(buf.validate.field).float.lte = 0.25", "must be at most 0.25, and this is 0.5"),
        ("bool", "false", "(buf.validate.field).bool.const = true", "must be true, and this is false"),
        (
            "string",
            "'a'",
            "(buf.validate.field).string.min_len = 2",
            "must have at least 2 characters, and this is 'a'",
        ),
        (
            "string",
            "'abc'",
            "(buf.validate.field).string.max_len = 2",
            "must have at most 2 characters, and this is 'abc'",
        ),
        ("string", "'abc'", "(buf.validate.field).string.len = 2", "must have at most 2 characters, and this is 'abc'"),
        ("string", "'A'", "(buf.validate.field).string.pattern = '^[a-z]+$'", "must match ^[a-z]+$, and this is 'A'"),
        (
            "string",
            "'c'",
            "(buf.validate.field).string = {in: ['a', 'b']}",
            "must be one of \"a\", \"b\", and this is 'c'",
        ),
        ("string", "'a'", "(buf.validate.field).string.not_in = 'a'", "must be none of \"a\", and this is 'a'"),
        ("string", "'a'", "(buf.validate.field).string.const = 'b'", "must be one of \"b\", and this is 'a'"),
        ("State", "State.CART", "(buf.validate.field).enum.not_in = 1", "must be none of CART, and this is CART"),
        (
            "State",
            "State.CART",
            "(buf.validate.field).enum.const = 0",
            "must be one of STATE_UNSPECIFIED, and this is CART",
        ),
        ("google.protobuf.Int32Value", "3", "(buf.validate.field).int32.gte = 5", "must be at least 5, and this is 3"),
    ] {
        let optional = if ty.starts_with("google.") { "" } else { "optional " };
        let (message, cause, _) = refused(&format!("{optional}{ty} f"), default, options);
        assert_eq!(message, "the default of f breaks the field's own constraint", "{ty} {options}");
        assert_eq!(cause, format!("the field {said}"));
        let ignored = options.replace("(buf.validate.field).", "(buf.validate.field) = {ignore: IGNORE_ALWAYS ");
        if let (true, Some((head, value))) =
            (options.contains(").") && !options.contains('{'), ignored.split_once(" = {"))
        {
            let rules = value.replacen('.', ": {", 1).replacen(" = ", ": ", 1);
            taken(&format!("{optional}{ty} f"), default, &format!("{head} = {{{rules}}}}}"));
        }
    }
}

#[test]
fn a_default_that_leaves_a_required_field_unset_is_refused() {
    for (ty, default) in [("string", "''"), ("int32", "0"), ("bool", "false"), ("State", "State.STATE_UNSPECIFIED")] {
        for required in ["(google.api.field_behavior) = REQUIRED", "(buf.validate.field).required = true"] {
            let (message, cause, _) = refused(&format!("{ty} f"), default, required);
            assert_eq!(message, "the default of f breaks the field's own constraint");
            assert!(cause.contains("REQUIRED"), "{cause}");
            taken(&format!("optional {ty} f"), default, required);
        }
    }
}

#[test]
fn a_zero_that_is_let_through_may_be_a_default() {
    let ignore = "(buf.validate.field) = {int32: {gte: 5} ignore: IGNORE_IF_ZERO_VALUE}";
    taken("int32 f", "0", ignore);
    assert!(
        refused("optional int32 f", "0", ignore).0.contains("breaks"),
        "set, and 0 is not let through where it is set"
    );
    assert!(refused("int32 f", "0", "(buf.validate.field).int32.gte = 5").0.contains("breaks"));
}

#[test]
fn a_default_is_a_value_of_its_type() {
    for (ty, default, said) in [
        ("int32", "2147483648", "int32 goes from -2147483648 to 2147483647, and this is 2147483648"),
        ("sint32", "-2147483649", "sint32 goes from -2147483648 to 2147483647, and this is -2147483649"),
        ("sfixed32", "2147483648", "sfixed32 goes from"),
        ("uint32", "-1", "uint32 goes from 0 to 4294967295, and this is -1"),
        ("fixed32", "4294967296", "fixed32 goes from 0 to 4294967295, and this is 4294967296"),
        ("uint64", "-1", "uint64 goes from 0 to 9223372036854775807, and this is -1"),
        ("fixed64", "-1", "fixed64 goes from"),
        ("float", "1e300", "it is larger than any finite float"),
        ("State", "7", "shop.v1.Thing.State has no value with the number 7"),
        ("State", "-1", "has no value with the number -1"),
    ] {
        let (message, cause, _) = refused(&format!("optional {ty} f"), default, "");
        assert_eq!(message, "the default of f is no value of its type", "{ty} {default}");
        assert!(cause.contains(said), "{cause}");
    }
    let long = "duration('300000000000s') + duration('300000000000s')";
    let problems = compile_text(&field("google.protobuf.Duration f", long, "")).expect_err("it is too long");
    assert!(problems.0[0].message.contains("this has no result that is a duration"), "{problems}");
    for (ty, default) in [("int32", "2147483647"), ("int32", "-2147483648"), ("uint32", "4294967295"), ("State", "1")] {
        taken(&format!("optional {ty} f"), default, "");
    }
}

#[test]
fn what_depends_on_the_caller_or_the_moment_is_checked_on_the_row() {
    for (declaration, default, options) in [
        ("string f", "auth.uid", "(buf.validate.field).string.max_len = 1"),
        ("string f", "auth.email", "(buf.validate.field).string.pattern = '@example.org$'"),
        ("string f", "auth.uid", "(google.api.field_behavior) = REQUIRED"),
        ("google.protobuf.Timestamp f", "now + duration('1h')", "(google.api.field_behavior) = REQUIRED"),
        ("optional bool f", "auth.email_verified", "(buf.validate.field).bool.const = true"),
    ] {
        taken(declaration, default, options);
    }
}

#[test]
fn what_was_applied_keeps_starting_and_is_warned_about() {
    let text = field("bool f", "true", "");
    let contract = compile_applied(vec![Source { path: "shop/v1/test.proto".into(), text }]).expect("it was applied");
    let [warning] = contract.warnings.as_slice() else { panic!("{:?}", contract.warnings) };
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(warning.message, "the default of f would replace an explicit `false`");
    assert!(contract.resources[0].fields[1].default.is_some(), "as it was applied");
    let broken = compile_applied(vec![Source { path: "a.proto".into(), text: "message {".into() }]);
    assert!(broken.is_err(), "what cannot be served at all");
}
