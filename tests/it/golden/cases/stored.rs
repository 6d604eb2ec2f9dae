//! What is stored becomes something else.

use super::*;

/// A text of the title's bytes, in words that both engines have.
const BYTES_OF_TITLE: &str = "SELECT 'title ' || substr(_id, 2) FROM golden_v1_item WHERE length(title) = length('title ' || substr(_id, 2)) ORDER BY _id";
const TAGS: &str = "repeated string tags = 13;";
const OWNED_TAGS: &str =
    "repeated string tags = 13 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];";

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
