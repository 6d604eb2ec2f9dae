//! What is hidden goes for good.

use super::*;

/// Two that refer to each other.
const PAIR: &str = "message Left { option (google.api.resource) = {type: \"golden.example.com/Left\" pattern: \"lefts/{left}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string right = 2 [(google.api.resource_reference).type = \"golden.example.com/Right\"]; }
    message Right { option (google.api.resource) = {type: \"golden.example.com/Right\" pattern: \"rights/{right}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    string left = 2 [(google.api.resource_reference).type = \"golden.example.com/Left\"]; }\nmessage Owner {";

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
