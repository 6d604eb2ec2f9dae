//! The cases, each a row of what a plan says of a change.

use super::trial::{Case, run};

/// Makes each case a test on both engines.
macro_rules! golden {
    ($($name:ident: $case:expr;)*) => {
        $(
            mod $name {
                use super::*;

                const CASE: Case = $case;

                #[tokio::test]
                async fn on_sqlite() {
                    Box::pin(run(stringify!($name), &CASE, mainstay_testkit::Engine::Sqlite)).await;
                }

                #[tokio::test]
                async fn on_postgres() {
                    Box::pin(run(stringify!($name), &CASE, mainstay_testkit::Engine::Postgres)).await;
                }
            }
        )*
    };
}

const TITLE: &str = "string title = 3;";
const OLD_TITLES: &str = "SELECT _id || title FROM golden_v1_item ORDER BY _id";
/// A text of the title's bytes, in words that both engines have.
const BYTES_OF_TITLE: &str = "SELECT 'title ' || substr(_id, 2) FROM golden_v1_item WHERE length(title) = length('title ' || substr(_id, 2)) ORDER BY _id";
const TAGS: &str = "repeated string tags = 13;";
const OWNED_TAGS: &str =
    "repeated string tags = 13 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];";
/// Something that names owners in a list.
const BASKET: &str = "message Basket { option (google.api.resource) = {type: \"golden.example.com/Basket\" pattern: \"baskets/{basket}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    repeated string owners = 2 [(google.api.resource_reference).type = \"golden.example.com/Owner\"]; }\nmessage Owner {";
const WRITERS: &str = "access {read: \"true\" write: \"'writer' in auth.roles\"}";
/// No two items of one code at one time; the same by the names that the fields have when they have swapped them.
const BOOKED: &str = "access {read: \"true\" write: \"'writer' in auth.roles\"} exclude {fields: \"code\" from: \"begin\" to: \"finish\"}";
const SWAPPED: &str = "access {read: \"true\" write: \"'writer' in auth.roles\"} exclude {fields: \"title\" from: \"finish\" to: \"begin\"}";
const OWNER: &str = "string owner = 9 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];";
const MAKER: &str = "string maker = 17;";
const OWNED_MAKER: &str = "string maker = 17 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];";
const WITH_PART: &str =
    "bool hot = 15; string part = 30 [(google.api.resource_reference).type = \"golden.example.com/Part\"];";
const TAG: &str = "message Tag { option (google.api.resource) = {type: \"golden.example.com/Tag\" pattern: \"tags/{tag}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";
/// Whose rows belong to organisations, with what lies below; and the same with nothing said of that.
const DESK: &str = "message Desk { option (google.api.resource) = {type: \"golden.example.com/Desk\" pattern: \"desks/{desk}\"};
    option (mainstay.v1.resource) = {tenant: true access {read: \"true\" write: \"true\"} index {fields: \"seat\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string seat = 2; }
    message Drawer { option (google.api.resource) = {type: \"golden.example.com/Drawer\" pattern: \"desks/{desk}/drawers/{drawer}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";
const NOBODYS_DESK: &str = "message Desk { option (google.api.resource) = {type: \"golden.example.com/Desk\" pattern: \"desks/{desk}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} index {fields: \"seat\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string seat = 2; }
    message Drawer { option (google.api.resource) = {type: \"golden.example.com/Drawer\" pattern: \"desks/{desk}/drawers/{drawer}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";
const MATED_DESK: &str = "message Desk { option (google.api.resource) = {type: \"golden.example.com/Desk\" pattern: \"desks/{desk}\"};
    option (mainstay.v1.resource) = {tenant: true access {read: \"true\" write: \"true\"} index {fields: \"seat\" unique: true}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string seat = 2; string drawer = 3 [(google.api.resource_reference).type = \"golden.example.com/Drawer\"]; }
    message Drawer { option (google.api.resource) = {type: \"golden.example.com/Drawer\" pattern: \"desks/{desk}/drawers/{drawer}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";
const DESKS: &str = "INSERT INTO golden_v1_desk (_organisation, _id, _revision, seat) VALUES ('acme', 'a', 1, 's1'), ('zeta', 'a', 1, 's1');
    INSERT INTO golden_v1_drawer (_organisation, _desk_id, _id, _revision) VALUES ('acme', 'a', 'top', 1), ('zeta', 'a', 'top', 1);";
const SEATS: &str = "SELECT _organisation || _id || seat FROM golden_v1_desk ORDER BY _organisation, _id";
/// Two that refer to each other.
const PAIR: &str = "message Left { option (google.api.resource) = {type: \"golden.example.com/Left\" pattern: \"lefts/{left}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string right = 2 [(google.api.resource_reference).type = \"golden.example.com/Right\"]; }
    message Right { option (google.api.resource) = {type: \"golden.example.com/Right\" pattern: \"rights/{right}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string left = 2 [(google.api.resource_reference).type = \"golden.example.com/Left\"]; }\nmessage Owner {";
const CODES: &str = "SELECT _id || code FROM golden_v1_item ORDER BY _id";
const LINKS: &str = "SELECT CAST(COUNT(*) AS TEXT) FROM mainstay_links";
const ITEMS: &str = "SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item";

// Resources and their messages.
golden! {
    a_new_resource: Case {
        after: &[("message Owner {", "message Tag { option (google.api.resource) = {type: \"golden.example.com/Tag\" pattern: \"tags/{tag}\"};
            option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} index {fields: \"text\" unique: true}};
            string name = 1 [(google.api.field_behavior) = IDENTIFIER]; string text = 2; }\nmessage Owner {")],
        gives: &[(ITEMS, "10000"), ("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_tag", "0")],
        ..Case::NONE
    };
    a_singleton_below_rows_that_stand: Case {
        after: &[("message Owner {", "message Profile { option (google.api.resource) = {type: \"golden.example.com/Profile\" pattern: \"items/{item}/profile\"};
            option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} index {fields: \"text\"}};
            string name = 1 [(google.api.field_behavior) = IDENTIFIER]; string text = 2 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field).default = \"'new'\"];
            optional int32 size = 3; google.protobuf.Timestamp create_time = 4; }\nmessage Owner {")],
        same: &[("SELECT _id || 'new' FROM golden_v1_item ORDER BY _id", "SELECT _item_id || text FROM golden_v1_profile WHERE size IS NULL AND create_time IS NOT NULL AND _revision = 1 ORDER BY _item_id")],
        ..Case::NONE
    };
    a_message_renamed_with_references_to_it: Case {
        after: &[("message Owner {", "message Keeper {")],
        same: &[("SELECT i._id || o.title FROM golden_v1_item i JOIN golden_v1_owner o ON o._id = i.owner ORDER BY i._id",
                 "SELECT i._id || o.title FROM golden_v1_item i JOIN golden_v1_keeper o ON o._id = i.owner ORDER BY i._id")],
        ..Case::NONE
    };
    a_parent_renamed_with_children_and_indexes: Case {
        after: &[("message Item {", "message Thing {")],
        same: &[(OLD_TITLES, "SELECT _id || title FROM golden_v1_thing ORDER BY _id"),
                ("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id")],
        ..Case::NONE
    };
    a_package_moved: Case {
        after: &[("package golden.v1;", "package silver.v2;")],
        same: &[(OLD_TITLES, "SELECT _id || title FROM silver_v2_item ORDER BY _id")],
        ..Case::NONE
    };
    two_messages_that_swap_their_names: Case {
        after: &[("message Owner {", "message Swapped {"), ("message Part {", "message Owner {"), ("message Swapped {", "message Part {")],
        same: &[("SELECT title FROM golden_v1_owner ORDER BY _id", "SELECT title FROM golden_v1_part_2 ORDER BY _id"),
                ("SELECT title FROM golden_v1_part ORDER BY _item_id", "SELECT title FROM golden_v1_owner_2 ORDER BY _item_id")],
        ..Case::NONE
    };
    a_message_renamed_with_a_field_and_an_index: Case {
        after: &[("message Item {", "message Thing {"), ("string code = 2;", "string sign = 2;"), ("index {fields: \"code\"}", "index {fields: \"sign\"} index {fields: \"title\"}")],
        same: &[("SELECT _id || code FROM golden_v1_item ORDER BY _id", "SELECT _id || sign FROM golden_v1_thing ORDER BY _id")],
        ..Case::NONE
    };
    a_resource_removed: Case {
        after: &[("message Part {\n  option (google.api.resource) = {type: \"golden.example.com/Part\" pattern: \"items/{item}/parts/{part}\"};\n  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};", "message Part {")],
        accept: &["hide:resource:golden.example.com/Part"],
        same: &[("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id")],
        ..Case::NONE
    };
    a_resource_that_comes_back: Case {
        before: &[&[], &[("message Part {\n  option (google.api.resource) = {type: \"golden.example.com/Part\" pattern: \"items/{item}/parts/{part}\"};\n  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};", "message Part {")]],
        same: &[("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id")],
        ..Case::NONE
    };
    a_resource_that_comes_back_and_names_what_is_gone: Case {
        before: &[&[("message Owner {", BASKET)], &[]],
        after: &[("message Owner {", BASKET)],
        rows: "INSERT INTO golden_v1_basket (_id, _revision, owners) VALUES ('a', 1, '[\"owners/o1\"]'), ('b', 1, '[\"owners/o2\", \"owners/gone\"]');",
        refused: Some("owners would refer to golden.example.com/Owner, and names what is none"),
        same: &[("SELECT _id FROM golden_v1_basket ORDER BY _id", "")],
        ..Case::NONE
    };
    a_resource_that_comes_back_and_names_what_is_there: Case {
        before: &[&[("message Owner {", BASKET)], &[]],
        after: &[("message Owner {", BASKET)],
        rows: "INSERT INTO golden_v1_basket (_id, _revision, owners) VALUES ('a', 1, '[\"owners/o1\"]'), ('b', 1, '[\"owners/o2\"]');",
        same: &[("SELECT _id FROM golden_v1_basket ORDER BY _id", "SELECT _id FROM golden_v1_basket ORDER BY _id")],
        ..Case::NONE
    };
    another_pattern: Case {
        after: &[("owners/{owner}", "keepers/{keeper}")],
        same: &[("SELECT title FROM golden_v1_owner ORDER BY _id", "SELECT title FROM golden_v1_owner ORDER BY _id")],
        ..Case::NONE
    };
    another_name_of_a_variable: Case {
        after: &[("items/{item}", "items/{thing}")],
        same: &[("SELECT _item_id || title FROM golden_v1_part ORDER BY _item_id", "SELECT _thing_id || title FROM golden_v1_part ORDER BY _thing_id")],
        ..Case::NONE
    };
    rows_that_come_to_belong_to_organisations: Case {
        after: &[(WRITERS, "tenant: true access {read: \"true\" write: \"'writer' in auth.roles\"}")],
        refused: Some("nothing says to which"),
        same: &[(OLD_TITLES, "")],
        ..Case::NONE
    };
    rows_that_belong_to_organisations_no_more: Case {
        before: &[&[], &[("message Owner {", DESK)]],
        after: &[("message Owner {", NOBODYS_DESK)],
        meanwhile: DESKS,
        refused: Some("for everybody whom the rules let in"),
        same: &[(SEATS, "")],
        ..Case::NONE
    };
    rows_of_organisations_that_refer_to_one_another: Case {
        before: &[&[], &[("message Owner {", DESK)]],
        after: &[("message Owner {", MATED_DESK)],
        meanwhile: DESKS,
        same: &[(SEATS, SEATS)],
        ..Case::NONE
    };
    a_key_of_more_parts: Case {
        after: &[("owners/{owner}", "items/{item}/owners/{owner}")],
        refused: Some("the rows' keys would have another form"),
        same: &[("SELECT title FROM golden_v1_owner ORDER BY _id", "")],
        ..Case::NONE
    };
    deleted_rows_kept_from_now_on: Case {
        after: &[("access {read: \"true\" write: \"'writer' in auth.roles\"}", "access {read: \"true\" write: \"'writer' in auth.roles\"} soft_delete: true"),
                 ("bool hot = 15;", "bool hot = 15; google.protobuf.Timestamp delete_time = 30;")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE delete_time IS NULL", "10000")],
        ..Case::NONE
    };
}

// Fields that come and go.
golden! {
    a_new_field: Case {
        after: &[("bool hot = 15;", "bool hot = 15; optional string colour = 30; int32 size = 31;")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE colour IS NULL AND size = 0", "10000")],
        ..Case::NONE
    };
    a_new_required_field_with_a_default: Case {
        after: &[("bool hot = 15;", "bool hot = 15; string colour = 30 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field).default = \"'red'\"];")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE colour = 'red'", "10000")],
        ..Case::NONE
    };
    a_new_required_field_without_a_default: Case {
        after: &[("bool hot = 15;", "bool hot = 15; string colour = 30 [(google.api.field_behavior) = REQUIRED];")],
        refused: Some("the field is REQUIRED and the rows that stand would have no value"),
        same: &[(OLD_TITLES, "")],
        ..Case::NONE
    };
    a_field_removed_and_reserved: Case {
        after: &[(TITLE, "reserved 3; reserved \"title\";")],
        accept: &["hide:field:golden.example.com/Item#title"],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_field_removed_and_not_reserved: Case {
        after: &[(TITLE, "")],
        refused: Some("gone from the contract without being reserved"),
        same: &[(OLD_TITLES, "")],
        ..Case::NONE
    };
    a_field_that_comes_back: Case {
        before: &[&[], &[(TITLE, "reserved 3; reserved \"title\";")]],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_field_inside_json_removed: Case {
        after: &[("string text = 1; int32 quantity = 2;", "string text = 1; reserved 2; reserved \"quantity\";")],
        accept: &["hide:field:golden.example.com/Item#lines.quantity", "hide:field:golden.example.com/Item#extra.quantity"],
        same: &[("SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_number_used_for_another_field: Case {
        after: &[(TITLE, "int32 weight = 3;")],
        refused: Some("a number means one field for ever"),
        same: &[(OLD_TITLES, "")],
        ..Case::NONE
    };
}

// Names.
golden! {
    a_field_renamed: Case {
        after: &[(TITLE, "string headline = 3;")],
        same: &[(OLD_TITLES, "SELECT _id || headline FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_field_renamed_with_an_alias: Case {
        after: &[(TITLE, "string headline = 3 [(mainstay.v1.field).aliases = \"title\"];")],
        same: &[(OLD_TITLES, "SELECT _id || headline FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_rename_and_a_new_field_under_the_old_name: Case {
        after: &[(TITLE, "string headline = 3; string title = 30;")],
        same: &[(OLD_TITLES, "SELECT _id || headline FROM golden_v1_item ORDER BY _id")],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE title_30 = ''", "10000")],
        ..Case::NONE
    };
    a_swap_of_two_names: Case {
        after: &[("string code = 2;", "string title = 2;"), (TITLE, "string code = 3;")],
        same: &[("SELECT code || title FROM golden_v1_item ORDER BY _id", "SELECT title_2 || code_3 FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_ring_of_three_names: Case {
        after: &[("string code = 2;", "string title = 2;"), (TITLE, "string label = 3;"), ("string label = 10;", "string code = 10;")],
        same: &[("SELECT code || title || label FROM golden_v1_item ORDER BY _id", "SELECT title_2 || label_3 || code_10 FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_swap_of_names_under_an_exclusion: Case {
        before: &[&[(WRITERS, BOOKED), ("bool hot = 15;", "bool hot = 15; google.protobuf.Timestamp begin = 40; google.protobuf.Timestamp finish = 41;")]],
        after: &[(WRITERS, SWAPPED), ("bool hot = 15;", "bool hot = 15; google.protobuf.Timestamp finish = 40; google.protobuf.Timestamp begin = 41;"),
                 ("string code = 2;", "string title = 2;"), (TITLE, "string code = 3;"), ("index {fields: \"code\"}", "index {fields: \"title\"}")],
        same: &[("SELECT code || title FROM golden_v1_item ORDER BY _id", "SELECT title_2 || code_3 FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_nested_field_renamed: Case {
        after: &[("string city = 1; string street = 2;", "string town = 1; string street = 2;")],
        same: &[("SELECT address__city FROM golden_v1_item ORDER BY _id", "SELECT address__town FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_message_field_renamed_with_what_is_inside: Case {
        after: &[("Address address = 6;", "Address home = 6;"), ("string city = 1; string street = 2;", "string street = 1; string city = 2;")],
        same: &[("SELECT address__city || address__street FROM golden_v1_item WHERE _has_address ORDER BY _id",
                 "SELECT home__street || home__city FROM golden_v1_item WHERE _has_home ORDER BY _id")],
        ..Case::NONE
    };
    a_field_inside_json_renamed: Case {
        after: &[("string text = 1; int32 quantity = 2;", "string words = 1; int32 quantity = 2;")],
        same: &[("SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_swap_inside_json: Case {
        after: &[("string text = 1; int32 quantity = 2;", "string quantity = 1; int32 text = 2;")],
        same: &[("SELECT CAST(extra AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(extra AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_nested_type_renamed: Case {
        after: &[("message Line {", "message Row {"), ("repeated Line lines", "repeated Row lines"), ("map<string, Line> extra", "map<string, Row> extra")],
        same: &[("SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    an_enum_value_renamed: Case {
        after: &[("OPEN = 1;", "ACTIVE = 1;")],
        same: &[("SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    an_enum_value_with_a_second_name: Case {
        after: &[("enum State { STATE_UNSPECIFIED = 0; OPEN = 1;", "enum State { option allow_alias = true; STATE_UNSPECIFIED = 0; OPEN = 1; ACTIVE = 1;")],
        same: &[("SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    an_enum_value_removed_that_rows_hold: Case {
        after: &[("OPEN = 1; CLOSED = 2;", "OPEN = 1;")],
        accept: &["remove:value:golden.example.com/Item#state.CLOSED"],
        same: &[("SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    enum_values_that_swap_their_numbers: Case {
        after: &[("OPEN = 1; CLOSED = 2;", "CLOSED = 1; OPEN = 2;")],
        accept: &["renumber:enum:golden.example.com/Item#state"],
        same: &[("SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
}

// Types.
golden! {
    an_integer_widened: Case {
        after: &[("int32 count = 4;", "int64 count = 4;")],
        same: &[("SELECT CAST(count AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(count AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    an_integer_narrowed_that_holds_all_values: Case {
        after: &[("int64 total = 14;", "int32 total = 14;")],
        same: &[("SELECT CAST(total AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(total AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    an_integer_narrowed_that_does_not: Case {
        after: &[("int64 total = 14;", "int32 total = 14;")],
        rows: "UPDATE golden_v1_item SET total = 3000000000 WHERE _id = 'i7';",
        refused: Some("int32 does not hold the value of 1 row: items/i7"),
        same: &[("SELECT CAST(total AS TEXT) FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
    an_enum_that_becomes_an_integer: Case {
        after: &[("State state = 8;", "int32 state = 8;")],
        same: &[("SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    an_integer_that_becomes_an_enum: Case {
        after: &[("int32 count = 4;", "State count = 4;")],
        same: &[("SELECT CAST(count AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(count AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_text_that_becomes_a_number: Case {
        after: &[(TITLE, "int32 title = 3;")],
        refused: Some("string became int32"),
        same: &[(OLD_TITLES, "")],
        ..Case::NONE
    };
}

// What is stored becomes something else.
golden! {
    a_text_that_becomes_bytes: Case {
        after: &[(TITLE, "bytes title = 3;")],
        same: &[("SELECT title FROM golden_v1_item ORDER BY _id", BYTES_OF_TITLE)],
        ..Case::NONE
    };
    an_indexed_field_that_becomes_optional: Case {
        after: &[("string code = 2;", "optional string code = 2;"), ("int32 count = 4;", "optional int32 count = 4;")],
        same: &[("SELECT code FROM golden_v1_item ORDER BY _id", "SELECT code FROM golden_v1_item ORDER BY _id"),
                ("SELECT NULLIF(CAST(count AS TEXT), '0') FROM golden_v1_item ORDER BY _id", "SELECT CAST(count AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_unique_field_that_becomes_optional: Case {
        before: &[&[("index {fields: \"code\"}", "index {fields: \"code\" unique: true}")]],
        after: &[("index {fields: \"code\"}", "index {fields: \"code\" unique: true}"), ("string code = 2;", "optional string code = 2;")],
        same: &[("SELECT code FROM golden_v1_item ORDER BY _id", "SELECT code FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    an_optional_field_that_is_so_no_more: Case {
        after: &[("optional string note = 5;", "string note = 5;"), ("optional int32 grade = 18;", "int32 grade = 18;")],
        same: &[("SELECT COALESCE(note, '') FROM golden_v1_item ORDER BY _id", "SELECT note FROM golden_v1_item ORDER BY _id"),
                ("SELECT COALESCE(CAST(grade AS TEXT), '0') FROM golden_v1_item ORDER BY _id", "SELECT CAST(grade AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_nested_field_that_becomes_optional_under_another_name: Case {
        after: &[("string city = 1; string street = 2;", "optional string town = 1; string street = 2;")],
        same: &[("SELECT NULLIF(address__city, '') FROM golden_v1_item ORDER BY _id", "SELECT address__town FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_field_inside_json_that_becomes_optional: Case {
        after: &[("string text = 1; int32 quantity = 2;", "optional string text = 1; int32 quantity = 2;")],
        same: &[("SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(lines AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    texts_numbers_and_booleans_that_become_lists: Case {
        after: &[(TITLE, "repeated string title = 3;"), ("bool hot = 15;", "repeated bool hot = 15;"), ("optional int32 grade = 18;", "repeated int32 grade = 18;"),
                 ("string maker = 17;", "repeated string maker = 17;"), ("State state = 8;", "repeated State state = 8;"), ("index {fields: \"state\" fields: \"count desc\"}", "index {fields: \"count desc\"}")],
        same: &[("SELECT '[\"' || title || '\"]' FROM golden_v1_item ORDER BY _id", "SELECT CAST(title AS TEXT) FROM golden_v1_item ORDER BY _id"),
                ("SELECT CASE WHEN hot THEN '[true]' END FROM golden_v1_item ORDER BY _id", "SELECT CAST(hot AS TEXT) FROM golden_v1_item ORDER BY _id"),
                ("SELECT CASE WHEN grade <> 0 THEN '[' || grade || ']' END FROM golden_v1_item ORDER BY _id", "SELECT CAST(grade AS TEXT) FROM golden_v1_item ORDER BY _id"),
                ("SELECT '[\"' || NULLIF(maker, '') || '\"]' FROM golden_v1_item ORDER BY _id", "SELECT CAST(maker AS TEXT) FROM golden_v1_item ORDER BY _id"),
                ("SELECT CASE WHEN state <> 0 THEN '[' || state || ']' END FROM golden_v1_item ORDER BY _id", "SELECT CAST(state AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_list_that_becomes_a_value: Case {
        after: &[("repeated string tags = 13;", "string tags = 13;")],
        refused: Some("repeated string became string"),
        same: &[("SELECT CAST(tags AS TEXT) FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
    a_list_that_begins_to_refer: Case {
        rows: "UPDATE golden_v1_item SET tags = '[\"owners/o1\", \"owners/o2\"]';",
        after: &[(TAGS, OWNED_TAGS)],
        same: &[("SELECT CAST(tags AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(tags AS TEXT) FROM golden_v1_item ORDER BY _id")],
        gives: &[(LINKS, "20000"), ("SELECT DISTINCT source || ' ' || path || ' ' || target || ' ' || target_key FROM mainstay_links ORDER BY 1 LIMIT 1",
                  "golden.example.com/Item 13 golden.example.com/Owner o1")],
        ..Case::NONE
    };
    a_list_that_begins_to_refer_to_what_is_not_there: Case {
        rows: "UPDATE golden_v1_item SET tags = '[\"owners/o1\"]'; UPDATE golden_v1_item SET tags = '[\"owners/o1\", \"owners/none\"]' WHERE _id = 'i7';",
        after: &[(TAGS, OWNED_TAGS)],
        refused: Some("names what is none in 1 row: items/i7"),
        same: &[("SELECT CAST(tags AS TEXT) FROM golden_v1_item ORDER BY _id", ""), (LINKS, "")],
        ..Case::NONE
    };
    messages_in_lists_and_maps_that_begin_to_refer: Case {
        rows: "UPDATE golden_v1_item SET lines = '[{\"text\":\"owners/o1\"},{\"quantity\":2},{\"text\":\"owners/o1\"}]', extra = '{\"k\":{\"text\":\"owners/o2\"}}';",
        after: &[("message Line { string text = 1;", "message Line { string text = 1 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];")],
        gives: &[(LINKS, "20000"), ("SELECT DISTINCT path || ' ' || target_key FROM mainstay_links ORDER BY 1 LIMIT 1", "11.1 o2")],
        ..Case::NONE
    };
    a_list_of_nothing_that_begins_to_refer_to_a_resource_that_is_new: Case {
        rows: "UPDATE golden_v1_item SET tags = NULL;",
        after: &[(TAGS, "repeated string tags = 13 [(google.api.resource_reference).type = \"golden.example.com/Tag\"];"),
            ("message Owner {", "message Tag { option (google.api.resource) = {type: \"golden.example.com/Tag\" pattern: \"tags/{tag}\"};
            option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};
            string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {")],
        gives: &[(LINKS, "0")],
        ..Case::NONE
    };
    a_list_that_refers_no_more: Case {
        rows: "UPDATE golden_v1_item SET tags = '[\"owners/o1\"]';",
        before: &[&[], &[(TAGS, OWNED_TAGS)]],
        gives: &[(LINKS, "0")],
        same: &[("SELECT CAST(tags AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(tags AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
}

// Single references.
golden! {
    a_reference_lost: Case {
        after: &[(OWNER, "string owner = 9;")],
        same: &[("SELECT 'owners/' || owner FROM golden_v1_item ORDER BY _id", "SELECT owner FROM golden_v1_item ORDER BY _id"), (OLD_TITLES, OLD_TITLES), (CODES, CODES)],
        ..Case::NONE
    };
    a_reference_lost_that_is_unset_and_indexed_with_its_name: Case {
        before: &[&[(OWNER, "string owner = 9 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];"), ("index {fields: \"code\"}", "index {fields: \"owner\" fields: \"code\" unique: true}")]],
        after: &[(OWNER, "optional string keeper = 9;"), ("index {fields: \"code\"}", "index {fields: \"keeper\" fields: \"code\" unique: true}")],
        rows: "UPDATE golden_v1_item SET owner = NULL WHERE _id = 'i7';",
        same: &[("SELECT 'owners/' || owner FROM golden_v1_item ORDER BY _id", "SELECT keeper FROM golden_v1_item ORDER BY _id")],
        gives: &[("SELECT _id FROM golden_v1_item WHERE keeper IS NULL", "i7")],
        ..Case::NONE
    };
    a_reference_lost_whose_resource_goes: Case {
        after: &[(OWNER, "string owner = 9;"), ("message Owner {\n  option (google.api.resource) = {type: \"golden.example.com/Owner\" pattern: \"owners/{owner}\"};\n  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};", "message Owner {")],
        accept: &["hide:resource:golden.example.com/Owner"],
        same: &[("SELECT 'owners/' || owner FROM golden_v1_item ORDER BY _id", "SELECT owner FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_reference_gained: Case {
        after: &[(MAKER, OWNED_MAKER)],
        same: &[("SELECT maker FROM golden_v1_item ORDER BY _id", "SELECT COALESCE('owners/' || maker, '') FROM golden_v1_item ORDER BY _id"), (OLD_TITLES, OLD_TITLES)],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE maker IS NULL", "2000")],
        ..Case::NONE
    };
    a_reference_gained_that_names_what_is_not_there: Case {
        after: &[(MAKER, OWNED_MAKER)],
        rows: "UPDATE golden_v1_item SET maker = 'owners/none' WHERE _id = 'i7'; UPDATE golden_v1_item SET maker = 'o1' WHERE _id = 'i8';",
        refused: Some("maker would refer to golden.example.com/Owner, and names what is none in 2 rows: items/i7, items/i8"),
        same: &[("SELECT maker FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
    a_reference_gained_to_what_is_new: Case {
        after: &[(MAKER, "string maker = 17 [(google.api.resource_reference).type = \"golden.example.com/Tag\"];"), ("message Owner {", TAG)],
        refused: Some("maker would refer to golden.example.com/Tag, and names what is none in 8000 rows"),
        same: &[("SELECT maker FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
    a_reference_gained_and_another_lost_under_each_others_names: Case {
        after: &[(OWNER, "string maker = 9;"), (MAKER, "string owner = 17 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];")],
        same: &[("SELECT 'owners/' || owner FROM golden_v1_item ORDER BY _id", "SELECT maker_9 FROM golden_v1_item ORDER BY _id"),
                ("SELECT maker FROM golden_v1_item ORDER BY _id", "SELECT COALESCE('owners/' || owner_17_0, '') FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_reference_gained_that_was_lost: Case {
        before: &[&[], &[(OWNER, "string owner = 9;")]],
        after: &[],
        same: &[("SELECT owner FROM golden_v1_item ORDER BY _id", "SELECT 'owners/' || owner FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_reference_to_a_key_of_several_parts_lost: Case {
        before: &[&[("bool hot = 15;", WITH_PART)]],
        after: &[("bool hot = 15;", "bool hot = 15; string part = 30;")],
        rows: "UPDATE golden_v1_item SET part__item = 'i1', part__part = 'p' WHERE _id < 'i5';",
        same: &[("SELECT COALESCE('items/' || part__item || '/parts/' || part__part, '') FROM golden_v1_item ORDER BY _id", "SELECT part FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_reference_to_a_key_of_several_parts_gained: Case {
        before: &[&[("bool hot = 15;", "bool hot = 15; string part = 30;")]],
        after: &[("bool hot = 15;", WITH_PART)],
        rows: "UPDATE golden_v1_item SET part = 'items/i1/parts/p' WHERE _id < 'i5';",
        same: &[("SELECT part FROM golden_v1_item ORDER BY _id", "SELECT COALESCE('items/' || part__item || '/parts/' || part__part, '') FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_new_reference_to_a_key_of_several_parts: Case {
        after: &[("bool hot = 15;", WITH_PART)],
        same: &[(OLD_TITLES, OLD_TITLES)],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE part__item IS NULL AND part__part IS NULL", "10000")],
        ..Case::NONE
    };
    a_reference_to_an_account_gained: Case {
        after: &[("string label = 10;", "string label = 10 [(google.api.resource_reference).type = \"mainstay.dev/Account\"];")],
        rows: "UPDATE golden_v1_item SET label = 'accounts/' || _id WHERE _id < 'i5';",
        same: &[("SELECT label FROM golden_v1_item ORDER BY _id", "SELECT COALESCE('accounts/' || label, '') FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_reference_to_an_account_gained_that_names_none: Case {
        after: &[("string label = 10;", "string label = 10 [(google.api.resource_reference).type = \"mainstay.dev/Account\"];")],
        rows: "UPDATE golden_v1_item SET label = 'accounts/' || _id; UPDATE golden_v1_item SET label = 'accounts/me' WHERE _id = 'i7'; UPDATE golden_v1_item SET label = 'accounts/A' WHERE _id = 'i8';
               UPDATE golden_v1_item SET label = 'accounts/-a' WHERE _id = 'i9';",
        refused: Some("names what is none in 3 rows: items/i7, items/i8, items/i9"),
        same: &[("SELECT label FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
    a_reference_that_becomes_a_list_of_them: Case {
        after: &[(OWNER, "repeated string owner = 9 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];")],
        rows: "UPDATE golden_v1_item SET owner = NULL WHERE _id = 'i7';",
        same: &[("SELECT '[\"owners/' || owner || '\"]' FROM golden_v1_item ORDER BY _id", "SELECT CAST(owner AS TEXT) FROM golden_v1_item ORDER BY _id")],
        gives: &[(LINKS, "9999"), ("SELECT source || ' ' || path || ' ' || target || ' ' || target_key FROM mainstay_links WHERE source_key = 'i12'",
                  "golden.example.com/Item 9 golden.example.com/Owner o12")],
        ..Case::NONE
    };
    a_text_that_becomes_a_list_of_references: Case {
        after: &[(MAKER, "repeated string maker = 17 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];")],
        same: &[("SELECT '[\"' || NULLIF(maker, '') || '\"]' FROM golden_v1_item ORDER BY _id", "SELECT CAST(maker AS TEXT) FROM golden_v1_item ORDER BY _id")],
        gives: &[(LINKS, "8000")],
        ..Case::NONE
    };
    a_text_that_becomes_a_list_of_references_and_names_what_is_not_there: Case {
        after: &[(MAKER, "repeated string maker = 17 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];")],
        rows: "UPDATE golden_v1_item SET maker = 'owners/none' WHERE _id = 'i7';",
        refused: Some("names what is none in 1 row: items/i7"),
        same: &[("SELECT maker FROM golden_v1_item ORDER BY _id", ""), (LINKS, "")],
        ..Case::NONE
    };
    a_reference_removed_and_reserved: Case {
        after: &[(OWNER, "reserved 9; reserved \"owner\";")],
        accept: &["hide:field:golden.example.com/Item#owner"],
        same: &[("SELECT owner FROM golden_v1_item ORDER BY _id", "SELECT owner FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_reference_that_comes_back: Case {
        before: &[&[], &[(OWNER, "reserved 9; reserved \"owner\";")]],
        same: &[("SELECT owner FROM golden_v1_item ORDER BY _id", "SELECT owner FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_reference_that_comes_back_and_names_what_is_gone: Case {
        before: &[&[], &[(OWNER, "reserved 9; reserved \"owner\";")]],
        meanwhile: "DELETE FROM golden_v1_owner WHERE _id = 'o99';",
        refused: Some("owner names rows of golden.example.com/Owner that are gone since it was hidden, in 100 rows"),
        same: &[("SELECT owner FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
}

// What is hidden goes for good.
golden! {
    a_field_purged: Case {
        before: &[&[], &[(TITLE, "reserved 3; reserved \"title\";")]],
        after: &[(TITLE, "reserved 3; reserved \"title\";")],
        purge: true,
        same: &[(CODES, CODES)],
        ..Case::NONE
    };
    a_message_purged_with_what_is_inside: Case {
        before: &[&[], &[("Address address = 6;", "reserved 6; reserved \"address\";")]],
        after: &[("Address address = 6;", "reserved 6; reserved \"address\";")],
        purge: true,
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_reference_purged: Case {
        before: &[&[], &[(OWNER, "reserved 9; reserved \"owner\";")]],
        after: &[(OWNER, "reserved 9; reserved \"owner\";")],
        purge: true,
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_resource_purged_with_what_its_lists_named: Case {
        before: &[&[("message Owner {", BASKET)], &[]],
        after: &[],
        rows: "INSERT INTO golden_v1_basket (_id, _revision, owners) VALUES ('a', 1, '[\"owners/o1\"]');
               INSERT INTO mainstay_links (source, source_key, path, target, target_key) VALUES ('golden.example.com/Basket', 'a', '2', 'golden.example.com/Owner', 'o1');
               INSERT INTO mainstay_transitions (resource, row_key, revision, at, actor, transition, field, from_state, to_state, inputs) VALUES ('golden.example.com/Basket', 'a', 1, 1, '', 'Pack', 3, 0, 1, '');",
        purge: true,
        same: &[(OLD_TITLES, OLD_TITLES)],
        gives: &[(LINKS, "0"), ("SELECT CAST(COUNT(*) AS TEXT) FROM mainstay_transitions", "0")],
        ..Case::NONE
    };
    two_resources_purged_that_refer_to_each_other: Case {
        before: &[&[("message Owner {", PAIR)], &[]],
        after: &[],
        rows: "INSERT INTO golden_v1_left (_id, _revision) VALUES ('l', 1); INSERT INTO golden_v1_right (_id, _revision, \"left\") VALUES ('r', 1, 'l'); UPDATE golden_v1_left SET \"right\" = 'r';",
        purge: true,
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
}

// What must be so, and indexes.
golden! {
    a_field_required_that_all_rows_have: Case {
        after: &[(TITLE, "string title = 3 [(google.api.field_behavior) = REQUIRED];")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_field_required_that_rows_lack: Case {
        after: &[("optional string note = 5;", "optional string note = 5 [(google.api.field_behavior) = REQUIRED];")],
        accept: &["require:field:golden.example.com/Item#note"],
        same: &[("SELECT note FROM golden_v1_item ORDER BY _id", "SELECT note FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_check_that_rows_do_not_pass: Case {
        after: &[("int32 count = 4;", "int32 count = 4 [(buf.validate.field).int32.lt = 9990];")],
        accept: &["tighten:field:golden.example.com/Item#count"],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_check_that_all_rows_pass: Case {
        after: &[("int32 count = 4;", "int32 count = 4 [(buf.validate.field).int32.gte = 0];")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_check_of_texts_that_rows_do_not_pass: Case {
        after: &[(TITLE, "string title = 3 [(buf.validate.field).string = {prefix: \"t\" suffix: \"9\" contains: \"'\" min_bytes: 3}];")],
        accept: &["tighten:field:golden.example.com/Item#title"],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_range_outside_of_which_rows_are: Case {
        after: &[("int32 count = 4;", "int32 count = 4 [(buf.validate.field).int32 = {gt: 9000 lt: 100}];")],
        accept: &["tighten:field:golden.example.com/Item#count"],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_unique_index_over_different_values: Case {
        after: &[("index {fields: \"code\"}", "index {fields: \"code\" unique: true}")],
        same: &[("SELECT code FROM golden_v1_item ORDER BY _id", "SELECT code FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_unique_index_over_the_same_values: Case {
        after: &[("index {fields: \"code\"}", "index {fields: \"code\"} index {fields: \"maker\" unique: true}")],
        refused: Some("the same maker stands in"),
        same: &[("SELECT maker FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
    indexes_made_and_dropped: Case {
        after: &[("index {fields: \"code\"}", "index {fields: \"title desc\"} index {fields: \"rate\" fields: \"hot\"}")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    an_index_over_a_new_field: Case {
        after: &[("index {fields: \"code\"}", "index {fields: \"code\"} index {fields: \"colour\" unique: true}"), ("bool hot = 15;", "bool hot = 15; string colour = 30;")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_rule_widened_and_one_narrowed: Case {
        after: &[("write: \"'writer' in auth.roles\"", "write: \"true\""), ("access {read: \"true\" write: \"true\"}};\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string title = 2;", "access {read: \"resource.title != ''\" write: \"true\"}};\n  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  string title = 2;")],
        same: &[(OLD_TITLES, OLD_TITLES)],
        ..Case::NONE
    };
    a_field_that_is_filled_by_a_migration: Case {
        after: &[("bool hot = 15;", "bool hot = 15; string place = 30;")],
        migrations: &[("0001_places", "-- repeat\nUPDATE golden_v1_item SET place = 'at ' || title WHERE _id IN (SELECT _id FROM golden_v1_item WHERE place = '' LIMIT 4000);\n-- verify\nSELECT _id FROM golden_v1_item WHERE place = '';"),
                      ("0002_more", "UPDATE golden_v1_item SET count = count + 1;\n-- verify\nSELECT _id FROM golden_v1_item WHERE count = 0;")],
        same: &[(OLD_TITLES, OLD_TITLES), ("SELECT 'at ' || title FROM golden_v1_item ORDER BY _id", "SELECT place FROM golden_v1_item ORDER BY _id"),
                ("SELECT CAST(count + 1 AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(count AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    everything_at_once: Case {
        after: &[
            ("package golden.v1;", "package silver.v2;"), ("message Item {", "message Thing {"),
            ("string code = 2;", "string title = 2;"), (TITLE, "string code = 3; string colour = 30 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field).default = \"'red'\"];"),
            ("string city = 1; string street = 2;", "string town = 1; reserved 2; reserved \"street\";"), ("OPEN = 1; CLOSED = 2;", "OPEN = 1; SHUT = 2; SOLD = 3;"),
            ("int32 count = 4;", "int64 count = 4 [(buf.validate.field).int64.gte = 0];"), ("index {fields: \"code\"}", "index {fields: \"code\"} index {fields: \"colour\"}"),
        ],
        accept: &["hide:field:golden.example.com/Item#address.street"],
        same: &[("SELECT code || title || address__city || CAST(count AS TEXT) FROM golden_v1_item ORDER BY _id",
                 "SELECT title_2 || code_3 || address__town || CAST(count AS TEXT) FROM silver_v2_thing ORDER BY _id")],
        ..Case::NONE
    };
}

// Oneofs.
golden! {
    fields_that_come_into_a_oneof: Case {
        after: &[("string maker = 17;\n  optional int32 grade = 18;", "oneof made { string maker = 17; int32 grade = 18; }")],
        rows: "UPDATE golden_v1_item SET grade = NULL WHERE maker <> '';",
        same: &[("SELECT NULLIF(maker, '') FROM golden_v1_item ORDER BY _id", "SELECT maker FROM golden_v1_item ORDER BY _id"),
                ("SELECT CAST(grade AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(grade AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    fields_that_come_into_a_oneof_and_are_set_together: Case {
        after: &[("string maker = 17;\n  optional int32 grade = 18;", "oneof made { string maker = 17; int32 grade = 18; }")],
        rows: "UPDATE golden_v1_item SET grade = NULL WHERE maker <> '' AND _id <> 'i9';",
        refused: Some("at most one of maker, grade could be set, and more are in 1 row: items/i9"),
        same: &[("SELECT maker FROM golden_v1_item ORDER BY _id", "")],
        ..Case::NONE
    };
    a_message_and_a_text_that_come_into_a_oneof: Case {
        after: &[("Address address = 6;", "oneof place { Address address = 6; string label = 10; }"), ("string label = 10;\n", "")],
        same: &[("SELECT CAST(_has_address AS TEXT) || address__city FROM golden_v1_item ORDER BY _id", "SELECT CAST(_has_address AS TEXT) || address__city FROM golden_v1_item ORDER BY _id")],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE label IS NULL", "10000")],
        ..Case::NONE
    };
    fields_that_leave_a_oneof: Case {
        before: &[&[], &[("string maker = 17;\n  optional int32 grade = 18;", "oneof made { string maker = 17; int32 grade = 18; }")]],
        after: &[],
        rows: "UPDATE golden_v1_item SET grade = NULL WHERE maker <> '';",
        same: &[("SELECT COALESCE(maker, '') FROM golden_v1_item ORDER BY _id", "SELECT maker FROM golden_v1_item ORDER BY _id"),
                ("SELECT CAST(grade AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(grade AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_oneof_renamed_with_another_field: Case {
        before: &[&[], &[("string maker = 17;\n  optional int32 grade = 18;", "oneof made { string maker = 17; int32 grade = 18; }")]],
        after: &[("string maker = 17;\n  optional int32 grade = 18;", "oneof kind { string maker = 17; int32 grade = 18; string breed = 30; }")],
        rows: "UPDATE golden_v1_item SET grade = NULL WHERE maker <> '';",
        same: &[("SELECT maker FROM golden_v1_item ORDER BY _id", "SELECT maker FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    fields_inside_json_that_come_into_a_oneof: Case {
        after: &[("string text = 1; int32 quantity = 2;", "oneof what { string text = 1; int32 quantity = 2; }")],
        accept: &["join:oneof:golden.example.com/Item#lines.what", "join:oneof:golden.example.com/Item#extra.what"],
        same: &[("SELECT CAST(extra AS TEXT) FROM golden_v1_item ORDER BY _id", "SELECT CAST(extra AS TEXT) FROM golden_v1_item ORDER BY _id")],
        ..Case::NONE
    };
    a_new_oneof: Case {
        after: &[("bool hot = 15;", "bool hot = 15; oneof fresh { string colour = 30; int32 size = 31; Address place = 32; }")],
        gives: &[("SELECT CAST(COUNT(*) AS TEXT) FROM golden_v1_item WHERE colour IS NULL AND size IS NULL AND NOT _has_place", "10000")],
        ..Case::NONE
    };
}
