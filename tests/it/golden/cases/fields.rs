//! Fields that come and go.

use super::*;

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
