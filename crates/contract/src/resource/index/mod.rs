//! Indexes: those that are written, one for each reference, and those by which the process itself finds rows.

mod exclude;
mod reader;
mod rows;

use data_encoding::HEXLOWER;
use prost_reflect::DescriptorPool;

use self::reader::Reader;
use crate::Place;
use crate::annotations::OPTIONS;
use crate::model::{Access, Index, IndexRows, Reference, SoftDelete, States, Transition};
use crate::naming::MAX_IDENTIFIER_BYTES;
use crate::options::{items, message_option};
use crate::report::Report;
use crate::resource::access::Rules;
use crate::resource::built::Built;
use crate::resource::head::Head;
use crate::text::Step;

/// How many indexes a resource has at most.
pub const MAX_INDEXES: usize = 32;
/// How many columns an index has at most; PostgreSQL's own limit.
pub const MAX_INDEX_COLUMNS: usize = 32;

/// What the indexes of a resource are read from.
pub(crate) struct Declared<'a> {
    pub head: &'a Head,
    pub built: &'a Built,
    pub rules: &'a Rules<'a>,
    pub access: &'a Access,
    pub soft_delete: Option<&'a SoftDelete>,
    pub states: &'a [States],
    pub transitions: &'a [Transition],
}

/// Reads the indexes of a resource and adds those that references need.
pub(crate) fn build(report: &mut Report<'_>, pool: &DescriptorPool, declared: &Declared<'_>) -> Vec<Index> {
    let Declared { head, built, soft_delete, .. } = declared;
    let option = message_option(pool, &head.message.options(), OPTIONS);
    let written = |name: &str| option.as_ref().map(|option| items(option, name)).unwrap_or_default();
    let (plain, exclusions) = (written("index"), written("exclude"));
    if plain.len() + exclusions.len() > MAX_INDEXES {
        let too_many = if plain.len() > MAX_INDEXES { ("index", MAX_INDEXES) } else { ("exclude", 0) };
        let spot = head.option(report, OPTIONS, &[Step::Item(too_many.0, too_many.1)]);
        report.error(&spot, format!("more than {MAX_INDEXES} indexes")).help("remove those that no List needs");
    }
    let mut indexes = Vec::new();
    for (option, values) in [("index", &plain), ("exclude", &exclusions)] {
        for (position, value) in values.iter().take(MAX_INDEXES).enumerate() {
            let Some(message) = value.as_message() else { continue };
            let mut reader = Reader { report, declared, option, position };
            reader.read(message, &mut indexes);
        }
    }
    for reference in &built.references {
        let covered = indexes.iter().any(|index| covers(index, reference));
        if !covered {
            indexes.push(implied(head, built, reference));
        }
    }
    if let Some(SoftDelete { delete_time, purge_after_us: Some(_), .. }) = soft_delete {
        let begins = |index: &Index| index.columns.first().is_some_and(|(column, _)| column == delete_time);
        if !indexes.iter().any(|index| begins(index) && index.is_plain() && index.rows != IndexRows::Live) {
            indexes.push(of_deleted(head, built, *delete_time));
        }
    }
    if built.layout.is_tenant() {
        let timed = of_clock(declared, &indexes);
        indexes.extend(timed);
    }
    indexes
}

/// The clock looks for rows of all organisations at once, and every index that is written begins with the organisation.
fn of_clock(declared: &Declared<'_>, known: &[Index]) -> Vec<Index> {
    let Declared { head, built, access, states, transitions, .. } = declared;
    let mut found: Vec<Index> = Vec::new();
    for (transition, rules) in transitions.iter().zip(&access.transitions) {
        let state = states.get(transition.states).map(|states| states.column);
        let columns = rules.at.as_ref().map(|at| at.program.columns()).unwrap_or_default();
        let (Some(state), Some((_, moment))) = (state, columns.into_iter().next()) else { continue };
        let timed = plain(head, built, vec![(state, false), (moment, false)]);
        if known.iter().chain(&found).all(|index| index.name != timed.name) {
            let field = built.fields.iter().find(|field| field.columns == [moment]);
            let fields = field.iter().map(|field| field.field_path.clone()).collect();
            found.push(Index {
                fields,
                place: rules.at.as_ref().map(|at| at.place.clone()).unwrap_or_default(),
                ..timed
            });
        }
    }
    found
}

/// An index of the rows by these columns, as it is where nothing more is said of it.
fn plain(head: &Head, built: &Built, columns: Vec<(usize, bool)>) -> Index {
    Index {
        name: name(head, built, &columns, &[], "_idx"),
        columns,
        unique: false,
        rows: IndexRows::All,
        condition: None,
        ignore_case: false,
        unset_conflicts: false,
        span: None,
        fields: Vec::new(),
        place: Place::default(),
    }
}

/// Whoever purges looks for rows by the time of their deletion.
fn of_deleted(head: &Head, built: &Built, delete_time: usize) -> Index {
    let field = built.fields.iter().find(|field| field.columns == [delete_time]);
    Index {
        rows: IndexRows::Deleted,
        fields: field.iter().map(|field| field.field_path.clone()).collect(),
        place: field.map(|field| field.place.clone()).unwrap_or_default(),
        ..plain(head, built, vec![(delete_time, false)])
    }
}

fn covers(index: &Index, reference: &Reference) -> bool {
    let begins = index.columns.iter().map(|(column, _)| column).take(reference.key.len()).eq(&reference.key);
    // A deleted row refers to its target as long as it is kept.
    begins && index.rows == IndexRows::All && index.is_plain()
}

/// A deletion of the target asks for rows that refer to it.
fn implied(head: &Head, built: &Built, reference: &Reference) -> Index {
    let columns = reference.key.iter().map(|column| (*column, false)).collect();
    Index { fields: vec![reference.field.clone()], place: reference.place.clone(), ..plain(head, built, columns) }
}

/// `shop_v1_product__category__create_time_desc_idx`; unique ones end in `_key`, exclusions in `_excl`; `marks` say what
/// else is special. What is too long keeps its beginning and gets a digest of the whole.
fn name(head: &Head, built: &Built, columns: &[(usize, bool)], marks: &[&str], suffix: &str) -> String {
    let mut name = head.table.clone();
    for (column, descending) in columns {
        name.push_str("__");
        name.push_str(built.layout.columns.get(*column).map_or("", |column| &column.name));
        name.push_str(if *descending { "_desc" } else { "" });
    }
    for mark in marks {
        name.push_str("__");
        name.push_str(mark);
    }
    if name.len() + suffix.len() <= MAX_IDENTIFIER_BYTES {
        return name + suffix;
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let digest = HEXLOWER.encode(&digest.as_ref()[..4]);
    name.truncate(MAX_IDENTIFIER_BYTES - suffix.len() - digest.len() - 1);
    format!("{name}_{digest}{suffix}")
}
