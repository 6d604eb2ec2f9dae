//! The sample contract of the repository.

use std::fmt::Write as _;

use mainstay_contract::{FieldModel, Resource};

use crate::harness::shop;

#[test]
fn the_sample_contract_compiles_without_a_warning() {
    let contract = shop();
    assert!(contract.warnings.is_empty(), "{:#?}", contract.warnings);
    assert_eq!(contract.resources.len(), 3);
}

#[test]
fn the_derived_services_have_the_permanent_shape() {
    for file in shop().derived {
        insta::assert_snapshot!(file.path.replace('/', "__"), file.text);
    }
}

#[test]
fn the_model_of_the_sample_contract_is_as_expected() {
    for resource in &shop().resources {
        insta::assert_snapshot!(format!("model__{}", resource.table), describe(resource));
    }
}

fn describe(resource: &Resource) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} {} {}", resource.type_name, resource.message, resource.pattern);
    let _ = writeln!(out, "{} / {} / {}", resource.singular, resource.plural, resource.comment);
    let _ = writeln!(out, "\ntable {}", resource.table);
    for column in &resource.layout.columns {
        let null = if column.nullable { "null" } else { "not null" };
        let role = format!("{:?}", column.role);
        let role = role.split([' ', '(']).next().unwrap_or_default();
        let _ = writeln!(out, "  {:24} {:?} {null} {role} {}", column.name, column.kind, column.path);
    }
    for index in &resource.indexes {
        let _ = writeln!(out, "index {} unique={} {:?}", index.name, index.unique, index.columns);
    }
    out.push_str("\nfields\n");
    fields(&mut out, &resource.fields);
    let access = &resource.access;
    let rules = [("read", &access.read), ("create", &access.create), ("delete", &access.delete)];
    for (verb, rule) in rules {
        let _ = writeln!(out, "{verb}: {}", rule.as_ref().map_or("nobody", |rule| &rule.source));
    }
    for rule in &access.update {
        let _ = writeln!(out, "update: {} at {}", rule.source, rule.place);
    }
    out
}

fn fields(out: &mut String, models: &[FieldModel]) {
    for field in models {
        let behaviors = field.behaviors;
        let flags = [
            (behaviors.required, "required"),
            (behaviors.immutable, "immutable"),
            (behaviors.output_only, "output only"),
            (behaviors.identifier, "identifier"),
            (field.default.is_some(), "default"),
            (field.json_checks.is_some(), "json checks"),
        ];
        let flags: Vec<&str> = flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
        let checks: Vec<String> = field.checks.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "  {} {} {:?} {:?} [{}] [{}] {}",
            field.path,
            field.field_path,
            field.columns,
            field.aliases,
            flags.join(", "),
            checks.join(", "),
            field.place
        );
        fields(out, &field.children);
    }
}
