//! The standard declarations have the standard numbers.

use crate::harness::shop;

#[test]
fn extensions_have_their_standard_numbers() {
    let pool = shop().pool;
    for (name, extendee, number) in [
        ("google.api.http", "google.protobuf.MethodOptions", 72_295_728),
        ("google.api.field_behavior", "google.protobuf.FieldOptions", 1052),
        ("google.api.resource_reference", "google.protobuf.FieldOptions", 1055),
        ("google.api.resource_definition", "google.protobuf.FileOptions", 1053),
        ("google.api.resource", "google.protobuf.MessageOptions", 1053),
        ("buf.validate.message", "google.protobuf.MessageOptions", 1159),
        ("buf.validate.oneof", "google.protobuf.OneofOptions", 1159),
        ("buf.validate.field", "google.protobuf.FieldOptions", 1159),
        ("buf.validate.predefined", "google.protobuf.FieldOptions", 1160),
        ("mainstay.v1.resource", "google.protobuf.MessageOptions", 51_901),
        ("mainstay.v1.field", "google.protobuf.FieldOptions", 51_902),
        ("mainstay.v1.states", "google.protobuf.FieldOptions", 51_903),
        ("mainstay.v1.auth", "google.protobuf.MethodOptions", 51_904),
    ] {
        let extension = pool.get_extension_by_name(name).unwrap_or_else(|| panic!("{name} is declared"));
        assert_eq!((extension.number(), extension.containing_message().full_name()), (number, extendee), "{name}");
    }
}

#[test]
fn constraints_have_their_standard_numbers() {
    let pool = shop().pool;
    for (message, fields) in [
        (
            "FieldRules",
            &[
                ("cel", 23),
                ("required", 25),
                ("ignore", 27),
                ("int32", 3),
                ("string", 14),
                ("repeated", 18),
                ("timestamp", 22),
            ][..],
        ),
        (
            "StringRules",
            &[("const", 1), ("len", 19), ("min_len", 2), ("max_len", 3), ("pattern", 6), ("in", 10), ("uuid", 22)],
        ),
        (
            "Int32Rules",
            &[("const", 1), ("lt", 2), ("lte", 3), ("gt", 4), ("gte", 5), ("in", 6), ("not_in", 7), ("example", 8)],
        ),
        ("Int64Rules", &[("example", 9)]),
        ("RepeatedRules", &[("min_items", 1), ("max_items", 2), ("unique", 3), ("items", 4)]),
        ("EnumRules", &[("const", 1), ("defined_only", 2), ("in", 3), ("not_in", 4)]),
    ] {
        let message = pool.get_message_by_name(&format!("buf.validate.{message}")).expect("the message is declared");
        for (name, number) in fields {
            assert_eq!(message.get_field_by_name(name).map(|field| field.number()), Some(*number), "{name}");
        }
    }
}

#[test]
fn every_embedded_file_can_be_imported() {
    let imports: String = mainstay_proto::SOURCES.iter().map(|(path, _)| format!("import \"{path}\";\n")).collect();
    let text = crate::harness::thing("").replace("message Thing", "// comment\nmessage Thing");
    let text = format!(
        "syntax = \"proto3\";\npackage shop.v1;\n{imports}{}",
        text.split_once("// comment\n").expect("a body").1
    );
    crate::harness::compile_text(&text).unwrap_or_else(|problems| panic!("{problems}"));
}
