//! Oneofs.

use super::*;

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
