//! Layouts that do not fit are found when the plan is made.

use mainstay_record::{JsonShape, Kind, Role, Value};
use mainstay_wire::RecordPlan;

use super::{LAYOUT, column};
use crate::schema::{descriptor, layout};

fn refused(change: impl FnOnce(&mut mainstay_record::Layout)) -> mainstay_wire::PlanError {
    let mut layout = LAYOUT.clone();
    change(&mut layout);
    RecordPlan::new(&descriptor("test.v1.Item"), &layout, Some((1, layout::template("items"))), Some(60)).unwrap_err()
}

#[test]
fn a_field_without_a_column_is_refused() {
    let error = refused(|layout| drop(layout.columns.remove(column("sku"))));
    assert_eq!(error.field, "sku");
    let error = refused(|layout| drop(layout.columns.remove(column("inner__title"))));
    assert_eq!(error.field, "inner.title");
}

#[test]
fn a_column_of_another_kind_is_refused() {
    let error = refused(|layout| layout.columns[column("sku")].kind = Kind::Int);
    assert_eq!(error.field, "sku");
    let error = refused(|layout| layout.columns[column("create_time")].kind = Kind::Int);
    assert_eq!(error.field, "create_time");
}

#[test]
fn a_role_that_the_field_cannot_have_is_refused() {
    for name in ["sku", "create_time", "lines"] {
        let error = refused(|layout| layout.columns[column(name)].role = Role::Presence);
        assert_eq!(error.field, name);
    }
    assert_eq!(refused(|layout| layout.columns[column("lines")].role = Role::Field).field, "lines");
    assert_eq!(refused(|layout| drop(layout.columns.remove(column("shelf_1")))).field, "shelf");
}

#[test]
fn a_message_without_storage_keys_is_refused() {
    let error = refused(|layout| layout.columns[column("lines")].role = Role::Json(JsonShape::default()));
    assert_eq!(error.field, "lines");
    assert!(error.message.contains("storage keys"), "{error}");
    let error = refused(|layout| {
        let Role::Json(shape) = &mut layout.columns[column("lines")].role else { panic!("a JSON column") };
        shape.messages[0].fields.pop();
    });
    assert!(error.message.contains("storage key"), "{error}");
}

#[test]
fn groups_of_proto2_are_flattened_too() {
    let legacy = descriptor("test.legacy.Legacy");
    let layout = layout::of(&legacy);
    let plan = RecordPlan::new(&legacy, &layout, Some((1, layout::template("legacies"))), None).unwrap();
    let json = r#"{"name":"legacies/a","number":0,"unpacked":[3],"box":{"label":"x","inside":{"depth":2}},"row":[{"cell":1},{}],"kind":"SECOND"}"#;
    let mut row = plan.decode(&crate::schema::from_json("test.legacy.Legacy", json).unwrap()).unwrap().values;
    row[0] = Value::Text("a".into());
    let mut out = Vec::new();
    plan.encode(&row, &mut out).unwrap();
    assert_eq!(crate::schema::to_json("test.legacy.Legacy", &out).as_deref(), Ok(json));
}
