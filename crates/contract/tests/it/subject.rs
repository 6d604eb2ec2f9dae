//! Whose the rows of a resource are.

use mainstay_contract::Severity;

use crate::harness::{compile_text, file};

/// A resource with these fields and this pattern.
fn resource(name: &str, pattern: &str, fields: &str) -> String {
    format!(
        "message {name} {{\n  option (google.api.resource) = {{type: \"shop.example.com/{name}\" pattern: \"{pattern}\"}};\n  \
         option (mainstay.v1.resource) = {{access {{read: \"true\" write: \"true\"}}}};\n  \
         string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n{fields}\n}}\n"
    )
}

const MINE: &str = "  string account = 2 [(mainstay.v1.field).default = \"auth.uid\"];";

/// The rule by which a row is somebody's, by the messages' names.
fn rules(body: &str) -> Vec<(String, Option<String>)> {
    let contract = compile_text(&file(body)).unwrap_or_else(|problems| panic!("{problems}"));
    let rule = |resource: &std::sync::Arc<mainstay_contract::Resource>| {
        (resource.short_name().to_owned(), resource.subject.as_ref().map(|subject| subject.rule.source.clone()))
    };
    contract.resources.iter().map(rule).collect()
}

fn refused(body: &str) -> String {
    match compile_text(&file(body)) {
        Err(problems) => problems.to_string(),
        Ok(_) => panic!("it is taken"),
    }
}

#[test]
fn it_is_the_field_that_says_so_or_the_caller_by_default_or_what_the_row_lies_below() {
    let post = "  string author = 2 [(google.api.resource_reference).type = \"shop.example.com/Profile\", \
                (mainstay.v1.field).subject = true];";
    let said = "  string owner = 3 [(mainstay.v1.field).subject = true];\n  string maker = 4 [(mainstay.v1.field).default = \"auth.uid\"];";
    let not = "  string head = 2 [(mainstay.v1.field) = {default: \"auth.uid\" subject: false}];";
    let body = [
        resource("Profile", "profiles/{profile}", MINE),
        resource("Home", "profiles/{profile}/homes/{home}", ""),
        resource("Post", "posts/{post}", post),
        resource("Answer", "posts/{post}/answers/{answer}", ""),
        resource("Thing", "things/{thing}", said),
        resource("Ward", "wards/{ward}", not),
    ];
    let rule = |text: &str| Some(text.to_owned());
    let expected = [
        ("Answer", rule("post.author.account == auth.uid")),
        ("Home", rule("profile.account == auth.uid")),
        ("Post", rule("resource.author.account == auth.uid")),
        ("Profile", rule("resource.account == auth.uid")),
        ("Thing", rule("resource.owner == auth.uid")),
        ("Ward", None),
    ];
    assert_eq!(rules(&body.concat()), expected.map(|(name, rule)| (name.to_owned(), rule)));
}

#[test]
fn a_reference_to_an_account_says_it() {
    let field = "  string owner = 2 [(google.api.resource_reference).type = \"mainstay.dev/Account\", (mainstay.v1.field).subject = true];";
    assert_eq!(rules(&resource("Thing", "things/{thing}", field))[0].1.as_deref(), Some("resource.owner == auth.uid"));
}

#[test]
fn what_cannot_say_it_is_refused() {
    let said = |field: &str| refused(&resource("Thing", "things/{thing}", field));
    assert!(
        said("  int32 owner = 2 [(mainstay.v1.field).subject = true];").contains("owner cannot say whose a Thing is")
    );
    assert!(said("  repeated string owners = 2 [(mainstay.v1.field).subject = true];").contains("owners cannot say"));
    let two = "  string one = 2 [(mainstay.v1.field).subject = true];\n  string other = 3 [(mainstay.v1.field).subject = true];";
    assert!(said(two).contains("two fields say whose a Thing is"));
    let own = "  string up = 2 [(google.api.resource_reference).type = \"shop.example.com/Thing\", (mainstay.v1.field).subject = true];";
    assert!(said(own).contains("up does not say whose a Thing is"), "{}", said(own));
    let inside = "  Inner inner = 2;\n  message Inner { string owner = 1 [(mainstay.v1.field).subject = true]; }";
    assert!(said(inside).contains("is inside a message"), "{}", said(inside));
}

#[test]
fn two_who_are_the_caller_by_default_are_warned_about_where_something_is_personal() {
    let two = format!("{MINE}\n  string maker = 3 [(mainstay.v1.field).default = \"auth.uid\"];");
    let warned = |fields: &str| {
        let contract = compile_text(&file(&resource("Thing", "things/{thing}", fields))).unwrap();
        assert!(contract.resources[0].subject.is_none());
        let about = |own: &&mainstay_contract::Diagnostic| {
            own.severity == Severity::Warning && own.message.contains("whose a Thing is")
        };
        contract.warnings.iter().filter(about).count()
    };
    assert_eq!(warned(&two), 0);
    assert_eq!(warned(&format!("{two}\n  string mail = 4 [(mainstay.v1.field).class = PII];")), 1);
}

#[test]
fn what_is_personal_and_nobodys_is_warned_about_and_so_is_a_guess() {
    let warned = |body: &str| {
        let contract = compile_text(&file(body)).unwrap_or_else(|problems| panic!("{problems}"));
        contract.warnings.iter().map(|warning| warning.message.clone()).collect::<Vec<_>>()
    };
    let mail = "  string mail = 4 [(mainstay.v1.field).class = PII];";
    let things = |fields: &str| resource("Thing", "things/{thing}", fields);
    let nobodys = "the rows of Thing are nobody's";
    assert_eq!(warned(&things(mail)), [nobodys]);
    assert_eq!(warned(&things("  string paid = 4 [(mainstay.v1.field).class = FINANCIAL];")), [""; 0]);
    let not = format!("{mail}\n  string head = 2 [(mainstay.v1.field).subject = false];");
    assert_eq!(warned(&things(&not)), [""; 0]);
    let guessed = "account is taken to say whose a Thing is";
    assert_eq!(warned(&things(&format!("{MINE}\n{mail}"))), [guessed]);
    let said = "  string account = 2 [(mainstay.v1.field) = {default: \"auth.uid\" subject: true}];";
    assert_eq!(warned(&things(&format!("{said}\n{mail}"))), [""; 0]);
    // What is personal may stand in what lies below.
    let below = [things(MINE), resource("Part", "things/{thing}/parts/{part}", mail)];
    assert_eq!(warned(&below.concat()), [guessed]);
}
