//! The pipeline.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use prost_reflect::prost::encode_length_delimiter;
use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor};
use protox::file::File;

use crate::comments::Comments;
use crate::each::each;
use crate::file::Files;
use crate::hash::hash;
use crate::model::Model;
use crate::report::{self, Report};
use crate::resource::{self, head, tenant};
use crate::service::{self, derive::derive};
use crate::{
    Contract, Diagnostic, Diagnostics, Migration, Severity, Source, embedded, json_names, link, lints, migration,
    options, parse, roles, source,
};

/// Compiles a contract.
///
/// # Errors
/// Every problem of every file, warnings included.
pub fn compile(sources: Vec<Source>) -> Result<Contract, Diagnostics> {
    compile_as(sources, false)
}

/// Compiles a contract that was applied, perhaps by an earlier version: what this one refuses of new contracts, though it
/// could serve it, is a warning. What was applied keeps starting.
///
/// # Errors
/// What cannot be served at all.
pub fn compile_applied(sources: Vec<Source>) -> Result<Contract, Diagnostics> {
    compile_as(sources, true)
}

fn compile_as(mut sources: Vec<Source>, applied: bool) -> Result<Contract, Diagnostics> {
    sources.iter_mut().for_each(Source::drop_byte_order_mark);
    let limits = source::check_limits(&sources);
    if !limits.is_empty() {
        return Err(Diagnostics(limits));
    }
    let (sources, scripts) = migration::split(sources);
    let (files, mut found) = parse::parse(sources);
    let migrations = migration::read(&scripts).unwrap_or_else(|problems| {
        // Those of a contract that was applied ran, or were to be.
        let severity = if applied { Severity::Warning } else { Severity::Error };
        found.extend(problems.into_iter().map(|problem| Diagnostic { severity, ..problem }));
        Vec::new()
    });
    let mut report = Report::new(&files, found);
    report.applied = applied;
    let pool = link::link(&mut report);
    options::check_options(&mut report, &pool);
    json_names::check(&mut report, &pool);
    let mut heads = head::find(&mut report, &pool);
    tenant::inherit(&mut report, &mut heads);
    let roles = Arc::new(roles::read(&mut report, &pool));
    let resources = resource::build(&mut report, &pool, &heads, &roles);
    // Requests that lack a field, because its type is not defined, would be told to have the wrong shape.
    let bound = if report.undefined.is_empty() {
        service::bind(&mut report, &pool, &heads, &roles)
    } else {
        service::Bound::default()
    };
    if heads.is_empty() && bound.own.is_empty() && report.errors() == 0 {
        let mut messages = pool
            .files()
            .filter(|file| files.index(file.name()).is_some())
            .flat_map(|file| file.messages().collect::<Vec<_>>());
        report.general(nothing_to_serve(messages.next().as_ref()));
    }
    if report.errors() == 0 {
        lints::check(&mut report, &heads, &resources, &roles);
    }
    let commits = service::commit::derive(&mut report, &pool, &heads, &bound.methods);
    let sound = report.errors() == 0;
    let found = report::sort(report.found);
    if !sound {
        return Err(Diagnostics(found));
    }
    let mut derived: Vec<Source> =
        bound.derived.iter().map(|index| derive(&heads[*index], &resources[*index].comment)).collect();
    let (commits, files_of_commits): (Vec<_>, Vec<_>) = commits.into_iter().map(|own| (own.commit, own.source)).unzip();
    // Behind those that they import.
    derived.extend(files_of_commits);
    // They hold the pool, which would be copied if it were not ours alone.
    drop(heads);
    let (pool, descriptor_set) = whole(pool, &files, &derived)?;
    derived.sort_by(|a, b| a.path.cmp(&b.path));
    let mut methods = bound.table(&pool);
    methods.extend(commits.iter().enumerate().filter_map(|(commit, own)| own.method(&pool, commit)));
    let written = files.all.into_iter().filter(|file| !embedded::has(&file.name));
    let (mut sources, import_paths): (Vec<Source>, Vec<String>) = written.map(|file| (file.source, file.name)).unzip();
    let resources = resources.into_iter().map(Arc::new).collect();
    sources.extend(scripts);
    let hash = identity(&descriptor_set, &migrations);
    let warnings = found;
    let model =
        Model { hash, descriptor_set, sources, import_paths, resources, methods, commits, roles, migrations, warnings };
    Ok(Contract { model, pool, derived })
}

/// What a contract is known by.
fn identity(descriptor_set: &[u8], migrations: &[Migration]) -> String {
    let own = hash(descriptor_set);
    if migrations.is_empty() {
        return own;
    }
    let all: String = migrations.iter().map(|migration| format!(" {} {}", migration.name, migration.hash)).collect();
    hash(format!("{own}{all}").as_bytes())
}

fn nothing_to_serve(message: Option<&MessageDescriptor>) -> Diagnostic {
    let help = match message {
        Some(message) => format!("add {} to {}", head::example(message), message.full_name()),
        None => "declare a message with option (google.api.resource)".to_owned(),
    };
    let cause = "no message has google.api.resource".to_owned();
    Diagnostic::general("the contract declares no resource", Some(cause), Some(help))
}

/// What cannot happen unless a derived file is wrong, which the checks before rule out.
fn internal(what: &str, cause: &dyn std::error::Error) -> Diagnostics {
    let help = "please report it with the contract".to_owned();
    Diagnostics(vec![Diagnostic::general(format!("{what} does not compile"), Some(cause.to_string()), Some(help))])
}

/// Adds the derived files to the pool of the written ones; also the encoded set of both with what they import, dependencies
/// first.
fn whole(mut pool: DescriptorPool, files: &Files, derived: &[Source]) -> Result<(DescriptorPool, Bytes), Diagnostics> {
    let mut of_derived = Vec::with_capacity(derived.len());
    let parsed = each(derived, |Source { path, text }| File::from_source(path, text));
    for (Source { path, .. }, parsed) in derived.iter().zip(parsed) {
        let parsed = parsed.map_err(|error| internal(path, &error))?;
        let mut file = parsed.file_descriptor_proto().clone();
        let places = file.source_code_info.take().unwrap_or_default();
        of_derived.push((path.as_str(), Comments::of(&places)));
        pool.add_file_descriptor_proto(file).map_err(|error| internal(path, &error))?;
    }
    let of_written = files.all.iter().map(|file| (file.name.as_str(), &file.comments));
    let comments: HashMap<&str, &Comments> =
        of_derived.iter().map(|(path, comments)| (*path, comments)).chain(of_written).collect();
    let needed = dependencies(&pool, comments.keys().copied());
    let mut set = Vec::new();
    for file in pool.files().filter(|file| needed.contains(file.name())) {
        let mut encoded = file.encode_to_vec();
        comments.get(file.name()).into_iter().for_each(|comments| comments.put_into(&mut encoded));
        put_file(&mut set, &encoded);
    }
    // What it grew by and does not need would be kept with it.
    set.shrink_to_fit();
    Ok((pool, set.into()))
}

/// The names of the files and of all that they import.
pub(crate) fn dependencies<'n>(pool: &DescriptorPool, roots: impl Iterator<Item = &'n str>) -> HashSet<String> {
    let mut needed = HashSet::new();
    let mut pending: Vec<FileDescriptor> = roots.filter_map(|name| pool.get_file_by_name(name)).collect();
    while let Some(file) = pending.pop() {
        if needed.insert(file.name().to_owned()) {
            pending.extend(file.dependencies());
        }
    }
    needed
}

/// Appends an encoded file to an encoded `FileDescriptorSet`.
fn put_file(set: &mut Vec<u8>, file: &[u8]) {
    // Field 1, length-delimited.
    set.push(0x0a);
    // A vector has room for any length.
    let _ = encode_length_delimiter(file.len(), set);
    set.extend_from_slice(file);
}
