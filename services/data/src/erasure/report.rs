//! What was erased, counted.

use std::collections::BTreeMap;

use mainstay_proto::data::v1 as pb;

use super::place::Outcome;
use super::rows::Erased;

/// What became of the rows of one resource.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub rows: i64,
    pub changed_rows: i64,
    pub changed_transitions: i64,
    pub unfit_rows: i64,
    /// By the path of the field.
    fields: BTreeMap<String, pb::ErasedField>,
}

impl Tally {
    /// Counts one row.
    pub fn count(&mut self, erased: &Erased) {
        self.rows += 1;
        self.changed_rows += i64::from(erased.changed);
        self.changed_transitions += erased.transitions;
        self.unfit_rows += i64::from(erased.is_unfit);
        for place in &erased.places {
            let Some(class) = &place.class else { continue };
            let name = &place.way.field;
            let field = self.fields.entry(name.clone()).or_insert_with(|| pb::ErasedField {
                field: name.clone(),
                class: class.clone(),
                ..Default::default()
            });
            match place.outcome {
                Outcome::Emptied => field.emptied += 1,
                Outcome::Pseudonymised => field.pseudonymised += 1,
                Outcome::Unfit => field.unfit += 1,
                Outcome::Kept(reason) => {
                    field.kept += 1;
                    reason.clone_into(&mut field.reason);
                }
            }
        }
    }

    /// The same for the report.
    pub fn to_pb(&self, type_name: &str) -> pb::ErasedResource {
        pb::ErasedResource {
            r#type: type_name.to_owned(),
            rows: self.rows,
            changed_rows: self.changed_rows,
            changed_transitions: self.changed_transitions,
            unfit_rows: self.unfit_rows,
            fields: self.fields.values().cloned().collect(),
        }
    }
}
