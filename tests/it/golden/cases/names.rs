//! Names.

use super::*;

/// No two items of one code at one time; the same by the names that the fields have when they have swapped them.
const BOOKED: &str = "access {read: \"true\" write: \"'writer' in auth.roles\"} exclude {fields: \"code\" from: \"begin\" to: \"finish\"}";
const SWAPPED: &str = "access {read: \"true\" write: \"'writer' in auth.roles\"} exclude {fields: \"title\" from: \"finish\" to: \"begin\"}";

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
