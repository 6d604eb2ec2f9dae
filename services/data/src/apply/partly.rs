//! What of a contract can be applied while some of it waits: the contract with what waits as it was.
//!
//! A save in development that holds one dangerous step would otherwise hold up every later one. What waits is put back into
//! the text, from the contract that is served: a field's declaration, its whole message, or a resource that is gone. The
//! outcome is a contract like any other; it is compiled, planned and checked as a whole.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use mainstay_contract::{Contract, Source, is_migration};
use mainstay_ledger::{FieldPath, Plan, Safety, Stage};
use prost_reflect::{FileDescriptor, MessageDescriptor};

/// What has to stay as it was: by resource type and the message in it.
#[derive(Debug, Default)]
pub struct Kept(BTreeMap<(String, FieldPath), Part>);

#[derive(Debug, PartialEq)]
enum Part {
    /// The declarations of these field numbers.
    Fields(BTreeSet<u32>),
    Whole,
}

/// A piece of an older text in place of one of the new text.
struct Edit<'c> {
    /// Which of the new contract's files.
    file: usize,
    range: Range<usize>,
    text: &'c str,
    /// Where the older text comes from, with what it imports.
    origin: FileDescriptor,
}

impl Kept {
    /// Keeps more, so that the plan's steps that cannot run are none. False where there is no more to keep.
    pub fn keep(&mut self, plan: &Plan, stage: Stage) -> bool {
        let mut more = false;
        let stands = |step: &&mainstay_ledger::Step| step.waits(stage) || matches!(step.safety, Safety::Refused { .. });
        for step in plan.steps.iter().filter(stands) {
            let outer = step.path.as_ref().map(FieldPath::parent).unwrap_or_default();
            let number = step.path.as_ref().map(FieldPath::number);
            let part = self.0.entry((step.resource.clone(), outer)).or_insert_with(|| Part::Fields(BTreeSet::new()));
            let Part::Fields(numbers) = part else { continue };
            more = true;
            // What is kept already was not enough.
            if !number.is_some_and(|number| numbers.insert(number)) {
                *part = Part::Whole;
            }
        }
        more
    }

    /// Keeps whole messages where it kept fields. False where it did not.
    pub fn keep_whole(&mut self) -> bool {
        let fields = self.0.values_mut().filter(|part| **part != Part::Whole);
        fields.map(|part| *part = Part::Whole).count() > 0
    }

    /// The text of the new contract with what is kept.
    pub fn compose(&self, before: &Contract, wanted: &Contract) -> Vec<Source> {
        let mut sources = wanted.sources.clone();
        // A migration is of the contract as a whole.
        sources.retain(|source| !is_migration(&source.path) || before.sources.contains(source));
        let mut edits: Vec<Edit<'_>> = Vec::new();
        // Into the head of a file, when everything below stands where it belongs.
        let mut imports: Vec<(usize, FileDescriptor)> = Vec::new();
        for ((resource, outer), part) in &self.0 {
            let Some(old) = message(before, resource, outer) else { continue };
            match message(wanted, resource, outer) {
                Some(new) => edits.extend(replaced(before, wanted, &old, &new, part)),
                None => imports.extend(bring_back(before, wanted, &mut sources, &old)),
            }
        }
        // From the end of each file, and of what lies in one another the outer one.
        edits.sort_by_key(|edit| (edit.file, Reverse(edit.range.start), Reverse(edit.range.end)));
        let all: Vec<(usize, Range<usize>)> = edits.iter().map(|edit| (edit.file, edit.range.clone())).collect();
        let mut done: BTreeSet<(usize, usize)> = BTreeSet::new();
        for edit in edits {
            let inside = all.iter().any(|(file, outer)| {
                let holds = outer.start <= edit.range.start && edit.range.end <= outer.end;
                *file == edit.file && *outer != edit.range && holds
            });
            if !inside && done.insert((edit.file, edit.range.start)) {
                sources[edit.file].text.replace_range(edit.range, edit.text);
                imports.push((edit.file, edit.origin));
            }
        }
        for (file, origin) in imports {
            import(&mut sources[file].text, &origin);
        }
        sources
    }
}

/// The message at a path of field numbers below a resource.
fn message(contract: &Contract, resource: &str, path: &FieldPath) -> Option<MessageDescriptor> {
    let mut message = contract.pool.get_message_by_name(&contract.resource(resource)?.message)?;
    for number in &path.0 {
        message = message.get_field(*number)?.kind().as_message()?.clone();
    }
    Some(message)
}

fn replaced<'c>(
    before: &'c Contract,
    wanted: &Contract,
    old: &MessageDescriptor,
    new: &MessageDescriptor,
    part: &Part,
) -> Vec<Edit<'c>> {
    let edit = |old_path: &[i32], new_path: &[i32]| {
        let (text, from) = before.stretch(old.parent_file().name(), old_path)?;
        let (_, range) = wanted.stretch(new.parent_file().name(), new_path)?;
        let file = file_of(wanted, &new.parent_file())?;
        Some(Edit { file, range, text: &text[from], origin: old.parent_file() })
    };
    let fields = match part {
        Part::Whole => None,
        Part::Fields(numbers) => {
            let both = |number: &u32| Some((old.get_field(*number)?, new.get_field(*number)?));
            numbers.iter().map(both).collect::<Option<Vec<_>>>()
        }
    };
    match fields {
        Some(fields) => fields.iter().filter_map(|(old, new)| edit(old.path(), new.path())).collect(),
        // A field that is gone has no place; its message has.
        None => edit(old.path(), new.path()).into_iter().collect(),
    }
}

/// Puts a message that is gone at the end of the file in which it was, which may need imports again, or brings the file
/// back.
fn bring_back(
    before: &Contract,
    wanted: &Contract,
    sources: &mut Vec<Source>,
    old: &MessageDescriptor,
) -> Option<(usize, FileDescriptor)> {
    let origin = old.parent_file();
    let (text, range) = before.stretch(origin.name(), old.path())?;
    if let Some(file) = file_of(wanted, &origin) {
        let source = &mut sources[file];
        source.text.push('\n');
        source.text.push_str(&text[with_comment(text, range)]);
        source.text.push('\n');
        return Some((file, origin));
    }
    let source = file_of(before, &origin).map(|file| &before.sources[file])?;
    if sources.iter().all(|known| known.path != source.path) {
        sources.push(source.clone());
    }
    None
}

/// Which of a contract's files a descriptor is of: descriptors know it by its path in imports.
fn file_of(contract: &Contract, file: &FileDescriptor) -> Option<usize> {
    contract.import_paths.iter().position(|path| path == file.name())
}

/// Adds the imports of an older file that a text lacks, behind its package.
fn import(text: &mut String, origin: &FileDescriptor) {
    let missing = origin.dependencies().filter(|file| !text.contains(&format!("\"{}\"", file.name())));
    let lines: String = missing.map(|file| format!("\nimport \"{}\";", file.name())).collect();
    let line = |line: &str| line.trim_start().starts_with("package ");
    let mut at = 0;
    for candidate in text.split_inclusive('\n') {
        if line(candidate) {
            let end = candidate.find(';').map_or(candidate.trim_end().len(), |semicolon| semicolon + 1);
            return text.insert_str(at + end, &lines);
        }
        at += candidate.len();
    }
}

/// The stretch with the comment above it.
fn with_comment(text: &str, range: Range<usize>) -> Range<usize> {
    let mut start = text[..range.start].rfind('\n').map_or(0, |end| end + 1);
    if !text[start..range.start].trim().is_empty() {
        return range;
    }
    while let Some(before) = text[..start].strip_suffix('\n') {
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        if !before[line..].trim_start().starts_with("//") {
            break;
        }
        start = line;
    }
    start..range.end
}
