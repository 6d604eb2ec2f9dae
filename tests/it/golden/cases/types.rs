//! Types.

use super::*;

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
