//! The one table of what a contract can say and whether this version does it. What is not in the table, or is in it as
//! "not supported yet", is refused when the contract is loaded.

use std::fmt::Write as _;

use serde::Serialize;

use crate::file::Spot;
use crate::report::Report;

/// One thing that a contract can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// An option (`(buf.validate.field).string.pattern`) or the name of something else.
    pub name: &'static str,
    pub support: Support,
    /// What it means, or what to do instead.
    pub note: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Support {
    #[serde(rename = "implemented")]
    Implemented,
    #[serde(rename = "not supported yet")]
    NotYet,
}

const fn yes(name: &'static str, note: &'static str) -> Capability {
    Capability { name, support: Support::Implemented, note }
}

const fn no(name: &'static str, note: &'static str) -> Capability {
    Capability { name, support: Support::NotYet, note }
}

/// The table. `<number>` stands for each of the twelve numeric types; constraints on `repeated.items` and
/// `map.values` are those on a field.
pub const CAPABILITIES: &[Capability] = &[
    yes("(mainstay.v1.resource).access.read", "who may get and list rows"),
    yes("(mainstay.v1.resource).access.create", "who may create a row"),
    yes("(mainstay.v1.resource).access.update", "who may update a row"),
    yes("(mainstay.v1.resource).access.delete", "who may delete a row"),
    yes("(mainstay.v1.resource).access.write", "short for create, update and delete"),
    yes("(mainstay.v1.resource).index.fields", "an index over scalar fields, references and variables of the pattern"),
    yes("(mainstay.v1.resource).index.unique", "a unique index"),
    yes("(mainstay.v1.resource).soft_delete", "Delete keeps the row and Undelete brings it back (AIP-164)"),
    yes("(mainstay.v1.resource).purge_after", "how long a deleted row is kept, at most 876000h; for ever without it"),
    yes(
        "(mainstay.v1.resource).access.refer",
        "who may name a row in a reference or as a parent; else who may read it",
    ),
    yes(
        "(mainstay.v1.resource).index.where",
        "only rows for which it holds: a rule over the fields of `resource` that have columns of their own",
    ),
    yes(
        "(mainstay.v1.resource).index.ignore_case",
        "texts of a unique index are compared by their simple case folding",
    ),
    yes("(mainstay.v1.resource).index.unset_conflicts", "of a unique index: what is unset is a value like others"),
    yes("(mainstay.v1.resource).predicate.name", "what a rule is called that is used like a field"),
    yes(
        "(mainstay.v1.resource).predicate.rule",
        "over `resource`; it may name itself through an acyclic reference, under nothing but `||`",
    ),
    yes("(mainstay.v1.resource).exclude.fields", "what rows have the same of that may not overlap; none: all rows"),
    yes("(mainstay.v1.resource).exclude.from", "a timestamp or a date, with which the time of a row begins"),
    yes("(mainstay.v1.resource).exclude.to", "the first moment that is not its time any more; unset: for ever"),
    yes("(mainstay.v1.resource).exclude.where", "as of an index"),
    yes(
        "(mainstay.v1.resource).effect.on",
        "`create`, `update`, `delete`, `undelete` (of what is kept) or the name of a transition",
    ),
    yes(
        "(mainstay.v1.resource).effect.if",
        "only where it holds: over `resource`, the row after, and `old`, the row before",
    ),
    yes(
        "(mainstay.v1.resource).effect.set.field",
        "a single value of the row, of each element of a list in it, or of a row that it refers to or lies below",
    ),
    yes("(mainstay.v1.resource).effect.set.value", "over `resource`, `old`, `auth`, `now`, and `this`, the element"),
    yes("(mainstay.v1.resource).effect.adjust.field", "a number of rows that this one refers to, be it in a list"),
    yes("(mainstay.v1.resource).effect.adjust.by", "what is added; what a row cannot take is refused (EFFECT_REFUSED)"),
    yes("(mainstay.v1.resource).effect.put.resource", "the message of the rows that are made"),
    yes("(mainstay.v1.resource).effect.put.each", "once for each element of this list, which is `this`; else once"),
    yes(
        "(mainstay.v1.resource).effect.put.id",
        "its id; a row that is there gets what is set, and keeps the rest; else a new one",
    ),
    yes("(mainstay.v1.resource).effect.put.parent", "what names the row that it lies below"),
    yes("(mainstay.v1.resource).effect.put.set.field", "a single value of what is made"),
    yes("(mainstay.v1.resource).effect.put.set.value", "as of `effect.set`"),
    yes("(mainstay.v1.resource).effect.move.row", "`resource`, or a row that it refers to or lies below"),
    yes(
        "(mainstay.v1.resource).effect.move.transition",
        "one of its transitions: the guard is asked, the access rule is not",
    ),
    no("(mainstay.v1.resource).effect.call", "call the service from the client"),
    yes(
        "(mainstay.v1.resource).on_parent_delete",
        "CASCADE deletes the row with the one that it lies below; else the deletion is refused, unless `force` (AIP-135)",
    ),
    yes(
        "(mainstay.v1.resource).tenant",
        "rows belong to the organisation that their maker acted in, and are there for who acts in it; so is what lies below",
    ),
    no("(mainstay.v1.resource).search", "leave it out; a filter finds words with `:`"),
    no("(mainstay.v1.resource).aggregate", "leave it out, and count in the client"),
    no("(mainstay.v1.resource).revisions", "leave it out, and keep former versions as rows of a resource of their own"),
    no("(mainstay.v1.resource).audit", "leave it out, and write entries in the same CommitService.Commit"),
    no("(mainstay.v1.resource).expire", "leave it out, and compare the field with `now` in the read rule"),
    yes("(mainstay.v1.field).aliases", "former names, accepted on input, in JSON's spelling, too"),
    yes(
        "(mainstay.v1.field).default",
        "what a Create that leaves the field unset gets; a zero that was sent stays, so the field is `optional`",
    ),
    yes("(mainstay.v1.field).read", "who sees the field, by the caller and the row; for others it is not there"),
    yes(
        "(mainstay.v1.field).on_delete",
        "of a reference: CASCADE deletes the row with what it refers to, SET_NULL lets it refer to nothing, and takes it out of a list",
    ),
    yes("(mainstay.v1.field).write", "who sets the field, beside the rule of the resource, before and after"),
    yes(
        "(mainstay.v1.field).class",
        "no log, trace or error text says what is in the field, or below it; erased with its account, FINANCIAL kept",
    ),
    yes(
        "(mainstay.v1.field).subject",
        "whose the row is: an account's, or the same person's as a row that it names; else the field with the default `auth.uid`",
    ),
    yes(
        "(mainstay.v1.field).acyclic",
        "of a reference to the same resource: following it never comes back (`CYCLE`), and ends within 64 (`TOO_DEEP`)",
    ),
    no("(mainstay.v1.field).compute", "send the value with the fields that it comes from"),
    no("(mainstay.v1.field).rollup", "leave it out, and count the rows with a List"),
    no("(mainstay.v1.field).sequence", "leave it out, and use the id of the row"),
    no("(mainstay.v1.field).encrypted", "seal the value before it is sent, and store it as bytes"),
    no("(mainstay.v1.field).file", "store the file elsewhere, and its address here"),
    no("(mainstay.v1.field).merge", "leave it out; send the etag, and a second change is refused"),
    yes("(mainstay.v1.states).initial", "the state of a new row; the field is changed by transitions alone (AIP-216)"),
    yes(
        "(mainstay.v1.states).transition.name",
        "a method of the resource: `Place` is PlaceOrder, `POST …/orders/*:place`",
    ),
    yes("(mainstay.v1.states).transition.from", "the states that it begins in"),
    yes("(mainstay.v1.states).transition.to", "the state that it leads to"),
    yes("(mainstay.v1.states).transition.access", "who may, over the row as it is; the read rule must hold, too"),
    yes("(mainstay.v1.states).transition.guard", "when it can be, whoever asks: over the row with what is given"),
    yes("(mainstay.v1.states).transition.input", "fields that are given with it; in the request they have 10 more"),
    yes(
        "(mainstay.v1.states).transition.at",
        "the moment at which it happens by itself, a timestamp of the row; unset: it does not",
    ),
    yes(
        "(mainstay.v1.roles).role.name",
        "a role that accounts, or members of organisations, have: `'support' in auth.roles`",
    ),
    yes("(mainstay.v1.roles).role.title", "what people call it"),
    yes(
        "(mainstay.v1.roles).role.scope",
        "ACCOUNT, of an account wherever it acts (where it is left out); ORGANISATION, of a member while acting in it",
    ),
    yes("(mainstay.v1.roles).role.permissions", "what it grants: `'orders.read' in auth.permissions`"),
    yes("(mainstay.v1.roles).role.includes", "roles whose permissions it grants, too"),
    yes("(mainstay.v1.auth).public", "of a method of an upstream: everybody may call it, signed in or not"),
    yes("(mainstay.v1.auth).authenticated", "everybody who is signed in"),
    yes("(mainstay.v1.auth).roles", "who has one of these roles; access rules say it of methods of a resource"),
    no("(mainstay.v1.auth).rule", "say who by `roles`, and judge the request in the service"),
    no("(mainstay.v1.sql)", "use List with a filter"),
    no("(mainstay.v1.schedule)", "leave it out, and call the method from a clock of your own"),
    no("(mainstay.v1.webhook)", "take the webhook in a service of your own"),
    yes("(mainstay.v1.upstream)", "an upstream of the configuration answers the service; its methods have any shape"),
    yes("(google.api.resource).type", "the resource's identity (AIP-123)"),
    yes("(google.api.resource).pattern", "how resource names are built (AIP-122)"),
    yes("(google.api.resource).plural", "must be the pattern's collection"),
    yes("(google.api.resource).singular", "must be the message's name in lower camel case"),
    no("(google.api.resource).name_field", "call the field `name`"),
    no("(google.api.resource).history", "leave it out"),
    no("(google.api.resource).style", "leave it out"),
    no("(google.api.resource_definition)", "declare the message of the resource"),
    yes("(google.api.resource_reference).type", "a field of a resource that names another"),
    no("(google.api.resource_reference).child_type", "name the type of the resource itself"),
    yes("(google.api.field_behavior) = OPTIONAL", "says what is so anyway"),
    yes("(google.api.field_behavior) = REQUIRED", "the stored row always has it, at any depth (AIP-203)"),
    yes("(google.api.field_behavior) = OUTPUT_ONLY", "input is cleared, at any depth (AIP-203)"),
    yes(
        "(google.api.field_behavior) = IMMUTABLE",
        "set when the row or the element is made, then never changed, at any depth (AIP-203)",
    ),
    yes("(google.api.field_behavior) = IDENTIFIER", "on `name` (AIP-203)"),
    yes("(google.api.field_behavior) = UNORDERED_LIST", "documentation; the order is kept"),
    no("(google.api.field_behavior) = INPUT_ONLY", "leave the field out of the resource"),
    no("(google.api.field_behavior) = NON_EMPTY_DEFAULT", "use (mainstay.v1.field).default"),
    no("(google.api.field_info).format", "use (buf.validate.field).string.pattern"),
    no("(google.api.field_info).referenced_types", "leave it out"),
    yes("(google.api.http)", "the REST routes of a written method"),
    yes(
        "(google.api.http).custom",
        "a route of another HTTP method; of every one (`*`) where the method says that it has no side effects",
    ),
    yes("(google.api.http).response_body", "a field of the answer that is the answer's body"),
    no("(google.api.http).selector", "leave it out"),
    yes("(google.api.method_signature)", "documentation for generated clients"),
    yes("(google.api.default_host)", "documentation for generated clients"),
    yes("(google.api.oauth_scopes)", "documentation for generated clients"),
    yes("(google.api.api_version)", "documentation for generated clients"),
    yes("(buf.validate.field).required", "the same as REQUIRED"),
    yes("(buf.validate.field).ignore", "when the constraints are not applied"),
    yes("(buf.validate.field).cel.id", "which constraint it is, to clients"),
    yes("(buf.validate.field).cel.message", "what clients are told"),
    yes(
        "(buf.validate.field).cel.expression",
        "a condition over `this`, the value, that is true or false; or a text that says what is wrong, empty where nothing is",
    ),
    yes("(buf.validate.field).cel_expression", "the same without id and message"),
    yes("(buf.validate.field).<number>.const", ""),
    yes("(buf.validate.field).<number>.lt", ""),
    yes("(buf.validate.field).<number>.lte", ""),
    yes("(buf.validate.field).<number>.gt", ""),
    yes("(buf.validate.field).<number>.gte", ""),
    yes("(buf.validate.field).<number>.in", ""),
    yes("(buf.validate.field).<number>.not_in", ""),
    yes("(buf.validate.field).<number>.example", "documentation"),
    yes("(buf.validate.field).<number>.finite", "of a float or a double"),
    yes("(buf.validate.field).bool.const", ""),
    yes("(buf.validate.field).bool.example", "documentation"),
    yes("(buf.validate.field).string.const", ""),
    yes("(buf.validate.field).string.len", "in characters"),
    yes("(buf.validate.field).string.min_len", "in characters"),
    yes("(buf.validate.field).string.max_len", "in characters"),
    yes("(buf.validate.field).string.pattern", "in the dialect of RE2; linear time"),
    yes("(buf.validate.field).string.in", ""),
    yes("(buf.validate.field).string.not_in", ""),
    yes("(buf.validate.field).string.example", "documentation"),
    yes("(buf.validate.field).string.len_bytes", "in bytes of UTF-8"),
    yes("(buf.validate.field).string.min_bytes", "in bytes of UTF-8"),
    yes("(buf.validate.field).string.max_bytes", "in bytes of UTF-8"),
    yes("(buf.validate.field).string.prefix", ""),
    yes("(buf.validate.field).string.suffix", ""),
    yes("(buf.validate.field).string.contains", ""),
    yes("(buf.validate.field).string.not_contains", ""),
    yes("(buf.validate.field).string.email", "as HTML's e-mail input takes it"),
    yes("(buf.validate.field).string.hostname", "RFC 1034"),
    yes("(buf.validate.field).string.ip", ""),
    yes("(buf.validate.field).string.ipv4", ""),
    yes("(buf.validate.field).string.ipv6", ""),
    yes("(buf.validate.field).string.uri", "RFC 3986"),
    yes("(buf.validate.field).string.uri_ref", "RFC 3986"),
    yes("(buf.validate.field).string.address", ""),
    yes("(buf.validate.field).string.uuid", ""),
    yes("(buf.validate.field).string.tuuid", ""),
    yes("(buf.validate.field).string.ip_with_prefixlen", ""),
    yes("(buf.validate.field).string.ipv4_with_prefixlen", ""),
    yes("(buf.validate.field).string.ipv6_with_prefixlen", ""),
    yes("(buf.validate.field).string.ip_prefix", ""),
    yes("(buf.validate.field).string.ipv4_prefix", ""),
    yes("(buf.validate.field).string.ipv6_prefix", ""),
    yes("(buf.validate.field).string.host_and_port", ""),
    yes("(buf.validate.field).string.ulid", ""),
    yes("(buf.validate.field).string.protobuf_fqn", ""),
    yes("(buf.validate.field).string.protobuf_dot_fqn", ""),
    yes("(buf.validate.field).string.well_known_regex", ""),
    yes("(buf.validate.field).string.strict", "of well_known_regex: true where it is left out"),
    yes("(buf.validate.field).enum.const", ""),
    yes("(buf.validate.field).enum.defined_only", ""),
    yes("(buf.validate.field).enum.in", ""),
    yes("(buf.validate.field).enum.not_in", ""),
    yes("(buf.validate.field).enum.example", "documentation"),
    yes("(buf.validate.field).repeated.min_items", ""),
    yes("(buf.validate.field).repeated.max_items", ""),
    yes("(buf.validate.field).repeated.items", "constraints on each element; `ignore` there is about the element"),
    no(
        "(buf.validate.field).repeated.items.required",
        "leave it out; an element is always set, and min_len or gt refuse its zero",
    ),
    yes("(buf.validate.field).repeated.unique", "of scalars"),
    yes("(buf.validate.field).bytes.const", ""),
    yes("(buf.validate.field).bytes.len", ""),
    yes("(buf.validate.field).bytes.min_len", ""),
    yes("(buf.validate.field).bytes.max_len", ""),
    yes("(buf.validate.field).bytes.prefix", ""),
    yes("(buf.validate.field).bytes.suffix", ""),
    yes("(buf.validate.field).bytes.contains", ""),
    yes("(buf.validate.field).bytes.in", ""),
    yes("(buf.validate.field).bytes.not_in", ""),
    yes("(buf.validate.field).bytes.example", "documentation"),
    yes("(buf.validate.field).bytes.pattern", "of bytes that are UTF-8, in the dialect of RE2; linear time"),
    yes("(buf.validate.field).bytes.ip", "4 or 16 bytes"),
    yes("(buf.validate.field).bytes.ipv4", "4 bytes"),
    yes("(buf.validate.field).bytes.ipv6", "16 bytes"),
    yes("(buf.validate.field).bytes.uuid", "16 bytes"),
    yes("(buf.validate.field).map.min_pairs", ""),
    yes("(buf.validate.field).map.max_pairs", ""),
    yes("(buf.validate.field).map.values", "constraints on each value"),
    yes("(buf.validate.field).map.keys", "constraints on each key"),
    yes("(buf.validate.field).any.in", "URLs of types, as they are sent"),
    yes("(buf.validate.field).any.not_in", ""),
    yes("(buf.validate.field).duration.const", ""),
    yes("(buf.validate.field).duration.lt", ""),
    yes("(buf.validate.field).duration.lte", ""),
    yes("(buf.validate.field).duration.gt", ""),
    yes("(buf.validate.field).duration.gte", ""),
    yes("(buf.validate.field).duration.in", ""),
    yes("(buf.validate.field).duration.not_in", ""),
    yes("(buf.validate.field).duration.example", "documentation"),
    yes("(buf.validate.field).timestamp.const", ""),
    yes("(buf.validate.field).timestamp.lt", ""),
    yes("(buf.validate.field).timestamp.lte", ""),
    yes("(buf.validate.field).timestamp.gt", ""),
    yes("(buf.validate.field).timestamp.gte", ""),
    yes("(buf.validate.field).timestamp.example", "documentation"),
    yes("(buf.validate.field).timestamp.lt_now", "in the past, whenever the row is written"),
    yes("(buf.validate.field).timestamp.gt_now", "in the future, whenever the row is written"),
    yes("(buf.validate.field).timestamp.within", "no further from now, whenever the row is written"),
    yes("(buf.validate.field).field_mask.const", "these paths, in this order"),
    yes("(buf.validate.field).field_mask.in", "these paths and those below them"),
    yes("(buf.validate.field).field_mask.not_in", "neither these paths nor those below them"),
    yes("(buf.validate.field).field_mask.example", "documentation"),
    yes("(buf.validate.predefined).cel.id", "which constraint it is, to clients"),
    yes("(buf.validate.predefined).cel.message", "what clients are told"),
    yes(
        "(buf.validate.predefined).cel.expression",
        "on an extension of constraints (`extend buf.validate.StringRules`): as on a field, with `rule`, what the field says, and \
         `rules`, what it says beside",
    ),
    yes("(buf.validate.message).cel.id", "which constraint it is, to clients"),
    yes("(buf.validate.message).cel.message", "what clients are told"),
    yes("(buf.validate.message).cel.expression", "a condition over `this`, or a text, as on a field"),
    yes("(buf.validate.message).cel_expression", "the same without id and message"),
    yes("(buf.validate.message).oneof.fields", "no two of them are set"),
    yes("(buf.validate.message).oneof.required", "and one is"),
    yes("(buf.validate.oneof).required", "one of its fields is set"),
    yes("oneof", "at most one of its fields is set: to set one unsets the others"),
    yes("google.protobuf.Any", "stored as it is; filters and rules ask whether it is set"),
    yes("google.protobuf.Value", "stored as JSON; filters and rules ask whether it is set"),
    yes("google.protobuf.ListValue", "stored as JSON; filters and rules ask whether it is set"),
    no("google.protobuf.NullValue", "leave it out"),
    yes("google.protobuf.Empty", "is set or not"),
    yes("google.protobuf.FieldMask", "stored as a list of paths, and asked like one"),
    no("mainstay.v1.File", "store the file elsewhere, and its address as a string"),
    yes("google.type.Decimal", "exact: up to 100 digits, up to 1E1000; sorts and compares as the number"),
    yes("google.type.LatLng", "two columns of degrees, in their ranges"),
    yes("google.type.TimeOfDay", "the nanoseconds since midnight; no leap seconds"),
    yes("google.type.DateTime", "a column for each part, in its range; times of several zones have no order"),
    no("proto2 required", "write `optional` with (google.api.field_behavior) = REQUIRED"),
    no("proto2 groups", "declare a message"),
    no("proto2 default values", "use (mainstay.v1.field).default"),
    no("enums without a zero", "give the enum a value with the number 0; what is unset reads as it"),
    no("extension ranges", "leave `extensions` out of stored messages"),
    no("several patterns", "give the resource one pattern"),
    yes(
        "singleton resources",
        "a pattern that ends with a name: one below each parent, made and deleted with it (AIP-156)",
    ),
    yes("nested resource messages", "a resource may be declared inside another message"),
    yes("references inside repeated fields", "in lists and maps of messages, as those with columns of their own"),
    yes("repeated references", "a list of names; each is checked as a single reference is"),
    yes(
        "references to accounts",
        "the type `mainstay.dev/Account`: its form is checked, and rules compare it with `auth.uid`",
    ),
    no("constraints on references", "leave them out; a reference is checked by itself"),
    no("references to any resource", "name the type of one resource"),
    no("constraints on name and etag", "leave them out; Mainstay makes both"),
    yes("ranges that exclude their middle", "a lower bound above the upper one: above the one or below the other"),
    no("IGNORE_ALWAYS on messages", "leave the constraints of the message's fields out, or ignore them one by one"),
    yes("constraints on messages in lists", "on each of them"),
    no("constraints outside resources", "leave them out; they are enforced on what is stored"),
    no("rules of fields inside messages", "set the rule on a field of the resource itself, as on the whole message"),
    yes(
        "rules of fields that look at other rows",
        "as those of resources: as the system, in one statement with the row",
    ),
    no("effects on messages and lists", "set the single values, one by one"),
    no("effects that quantify over rows", "keep what is asked for in a field of the row, or of one that it refers to"),
    no("defaults inside messages", "set the default on a field of the resource itself"),
    no("methods of other shapes", "give the method the standard shape, or the service an upstream that answers it"),
    no("streaming methods", "give the method the standard shape, or the service an upstream that answers it"),
];

/// Finds a row by its name.
pub fn find(name: &str) -> Option<&'static Capability> {
    CAPABILITIES.iter().find(|capability| capability.name == name)
}

/// Says whether what has this name is done; what the table does not have is judged by its parts.
pub(crate) fn is_implemented(name: &str) -> bool {
    find(name).is_none_or(|row| row.support == Support::Implemented)
}

/// Says whether some part of an option is done.
pub(crate) fn has_implemented_part(name: &str) -> bool {
    let inside = |row: &&Capability| row.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    is_of_elements(name) || CAPABILITIES.iter().filter(inside).any(|row| row.support == Support::Implemented)
}

/// Says whether an option holds constraints on elements: these are those on fields.
pub(crate) fn is_of_elements(name: &str) -> bool {
    matches!(
        name,
        "(buf.validate.field).repeated.items" | "(buf.validate.field).map.values" | "(buf.validate.field).map.keys"
    )
}

/// Refuses something that the table has as not supported yet. Says whether it was refused.
pub(crate) fn refuse(report: &mut Report<'_>, spot: &Spot, name: &str, what: &str) -> bool {
    let note = match find(name) {
        Some(Capability { support: Support::Implemented, .. }) => return false,
        Some(Capability { note, .. }) => note,
        None => "leave it out",
    };
    report.unsupported(spot, what).help(note);
    true
}

/// The same for what earlier versions took and did nothing about.
pub(crate) fn refuse_from_now_on(report: &mut Report<'_>, spot: &Spot, name: &str, what: &str) {
    let note = find(name).map_or("leave it out", |row| row.note);
    report.tightened(spot, format!("{what} is not supported yet")).help(note);
}

/// The table as Markdown, for the README: what is implemented, then what is not yet.
pub fn markdown() -> String {
    let mut out = String::new();
    for (support, title) in
        [(Support::Implemented, "Implemented"), (Support::NotYet, "Not supported yet: refused when loaded")]
    {
        let _ = writeln!(out, "| {title} | |\n|---|---|");
        for row in CAPABILITIES.iter().filter(|row| row.support == support) {
            let _ = writeln!(out, "| `{}` | {} |", row.name, row.note.replace('|', "\\|"));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "| Given to every contract | |\n|---|---|");
    for (what, note) in GIVEN {
        let _ = writeln!(out, "| {what} | {note} |");
    }
    out
}

/// What a contract gets without saying anything.
const GIVEN: [(&str, &str); 5] = [
    ("Get, List, Create, Update, Delete", "of each resource (AIP-131 to 135)"),
    ("Undelete", "of each resource whose deleted rows are kept (AIP-164)"),
    (
        "BatchGet, BatchCreate, BatchUpdate, BatchDelete",
        "of each resource: up to 1,000 at once, all or nothing (AIP-231 to 235)",
    ),
    (
        "CommitService.Commit",
        "in each package with resources: up to 1,000 of its creates, updates, deletes and transitions in one transaction, on preconditions, where a later one may name what an earlier one makes",
    ),
    (
        "Transforms of an Update",
        "fields that are changed by what they are: `add`, `min`, `max`, `append_missing`, `remove_all`; alone, in a batch and in a Commit",
    ),
];
