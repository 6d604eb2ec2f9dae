//! What must be so, and indexes.

use super::*;

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
