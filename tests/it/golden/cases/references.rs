//! Single references.

use super::*;

const MAKER: &str = "string maker = 17;";
const OWNED_MAKER: &str = "string maker = 17 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];";
const WITH_PART: &str =
    "bool hot = 15; string part = 30 [(google.api.resource_reference).type = \"golden.example.com/Part\"];";
const TAG: &str = "message Tag { option (google.api.resource) = {type: \"golden.example.com/Tag\" pattern: \"tags/{tag}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }\nmessage Owner {";

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
