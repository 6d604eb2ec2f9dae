//! From text to parsed files: everything that can be said of a file by itself.

use std::collections::{BTreeMap, HashMap};

use prost_types::FileDescriptorProto;
use protox::file::File;

use crate::each::each;
use crate::file::{Files, Spot, WrittenFile, tag};
use crate::report::Report;
use crate::reserved::{RESERVED_ROOTS, is_reserved_package};
use crate::text::{Token, TokenKind, tokens};
use crate::{Diagnostic, Source, embedded};

/// How deep braces and brackets may nest in a file; parsers recurse.
pub const MAX_NESTING: usize = 64;

/// Parses every file. Those that do not parse are in the result too, so that their problems can be placed.
pub(crate) fn parse(sources: Vec<Source>) -> (Files, Vec<Diagnostic>) {
    let mut sources = sources;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let parsed: Vec<_> = each(&sources, parse_one);
    let names: Vec<String> = sources.iter().zip(&parsed).map(|(source, result)| name(source, result)).collect();
    let renamed: HashMap<&str, &str> =
        sources.iter().zip(&names).map(|(source, name)| (source.path.as_str(), name.as_str())).collect();
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for ((source, result), name) in sources.iter().zip(parsed).zip(&names) {
        let (parsed, found) = match result {
            Ok(file) => (Some(rename(file, name, &renamed)), Vec::new()),
            Err(found) => (None, found),
        };
        problems.extend(found.into_iter().map(|problem| (all.len(), problem)));
        all.push(WrittenFile::new(source.clone(), name.clone(), parsed));
    }
    let files = Files::new(all);
    let mut report = Report::new(&files, Vec::new());
    for (file, problem) in problems {
        problem.add_to(&mut report, file);
    }
    check_names(&mut report);
    let found = report.found;
    (files, found)
}

/// A problem whose place is an offset in its file.
pub(crate) struct Raw {
    pub range: std::ops::Range<usize>,
    pub message: String,
    pub cause: Option<String>,
    pub help: Option<String>,
}

impl Raw {
    fn new(range: std::ops::Range<usize>, message: impl Into<String>, help: &str) -> Raw {
        Raw { range, message: message.into(), cause: None, help: Some(help.to_owned()) }
    }

    /// Takes over a problem of the protobuf compiler, with those that were found along with it.
    pub(crate) fn all_of(diagnostic: &dyn miette::Diagnostic, text: &str) -> Vec<Raw> {
        let mut found = vec![Raw::of(diagnostic, text)];
        found.extend(diagnostic.related().into_iter().flatten().map(|related| Raw::of(related, text)));
        // Where two fields have one name, so have their forms in JSON: that need not be said, too.
        let names = |raw: &Raw| raw.message.split('\'').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        found.retain(|raw| !raw.message.starts_with("camel-case name") || names(raw).first() != names(raw).last());
        found
    }

    fn of(diagnostic: &dyn miette::Diagnostic, text: &str) -> Raw {
        let label = diagnostic.labels().into_iter().flatten().last();
        let end = text.trim_end().len();
        let range = label.map_or(end..end, |label| {
            let start = label.offset().min(text.len());
            start..(start + label.len()).min(text.len())
        });
        Raw {
            range,
            message: diagnostic.to_string(),
            cause: diagnostic.diagnostic_source().map(ToString::to_string),
            help: diagnostic.help().map(|help| help.to_string()),
        }
    }

    pub(crate) fn add_to(self, report: &mut Report<'_>, file: usize) {
        let mut draft = report.error(&Spot { file, range: self.range }, self.message);
        if let Some(cause) = self.cause {
            draft = draft.because(cause);
        }
        if let Some(help) = self.help {
            draft.help(help);
        }
    }
}

fn parse_one(source: &Source) -> Result<FileDescriptorProto, Vec<Raw>> {
    let text = &source.text;
    if let Some(problem) = refuse_early(source) {
        return Err(vec![problem]);
    }
    match File::from_source(&source.path, text) {
        Ok(file) => Ok(file.file_descriptor_proto().clone()),
        Err(error) => Err(without_syntax(source).unwrap_or_else(|| Raw::all_of(&error, text))),
    }
}

/// What is said of a file that does not parse and does not say its syntax, which makes it proto2: that, and what is wrong
/// with it as proto3.
fn without_syntax(source: &Source) -> Option<Vec<Raw>> {
    const SYNTAX: &str = "syntax = \"proto3\";";
    let text = &source.text;
    let first = tokens(text, 0..text.len()).next()?;
    if text.get(first.range.clone()) == Some("syntax") {
        return None;
    }
    let mut missing = Raw::new(first.range, "the file does not say its syntax", &format!("begin it with {SYNTAX}"));
    missing.cause = Some("without that line it is proto2, where every field has a label".into());
    let mut found = vec![missing];
    let whole = format!("{SYNTAX}{text}");
    if let Err(error) = File::from_source(&source.path, &whole) {
        let back = |raw: Raw| Raw {
            range: raw.range.start.saturating_sub(SYNTAX.len())..raw.range.end.saturating_sub(SYNTAX.len()),
            ..raw
        };
        found.extend(Raw::all_of(&error, &whole).into_iter().map(back));
    }
    Some(found)
}

/// What the parser would say badly, or not survive.
fn refuse_early(source: &Source) -> Option<Raw> {
    let text = &source.text;
    if source.path.is_empty()
        || source.path.contains(['\\', '\0'])
        || source.path.split('/').any(|part| part.is_empty() || part == "..")
    {
        return Some(Raw::new(0..0, "the file's path is not a relative path with forward slashes", "rename the file"));
    }
    if let Some(at) = text.find('\0') {
        return Some(Raw::new(at..at + 1, "the file contains a NUL character", "remove it; is this a binary file?"));
    }
    let mut depth = 0_usize;
    for (i, Token { kind, range }) in tokens(text, 0..text.len()).enumerate() {
        match kind {
            TokenKind::Word if i == 0 && text.get(range.clone()) == Some("edition") => {
                let help = "write syntax = \"proto3\"; instead, and `optional` where a field's presence matters";
                return Some(Raw::new(range, "protobuf editions are not supported yet", help));
            }
            TokenKind::Punctuation(b'{' | b'[' | b'(' | b'<') => {
                depth += 1;
                if depth > MAX_NESTING {
                    let message = format!("braces nest more than {MAX_NESTING} deep");
                    return Some(Raw::new(range, message, "declare the inner messages on their own"));
                }
            }
            TokenKind::Punctuation(b'}' | b']' | b')' | b'>') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The name by which other files import this one: its path from the package's root, whichever folder on that way was
/// given as the contract's. A file whose folders do not follow its package keeps its path.
fn name(source: &Source, parsed: &Result<FileDescriptorProto, Vec<Raw>>) -> String {
    let package = parsed.as_ref().map_or("", |file| file.package()).replace('.', "/");
    let (dir, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let follows = |long: &str, short: &str| {
        short.is_empty() || long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    if !package.is_empty() && (follows(&package, dir) || follows(dir, &package)) {
        format!("{package}/{file}")
    } else {
        source.path.clone()
    }
}

fn rename(file: FileDescriptorProto, name: &str, renamed: &HashMap<&str, &str>) -> FileDescriptorProto {
    let mut file = FileDescriptorProto { name: Some(name.to_owned()), ..file };
    for dependency in &mut file.dependency {
        if let Some(name) = renamed.get(dependency.as_str()) {
            (*name).clone_into(dependency);
        }
    }
    file
}

fn check_names(report: &mut Report<'_>) {
    let files = report.files;
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, file) in files.all.iter().enumerate() {
        let start = Spot { file: index, range: 0..0 };
        if let Some(other) = first.insert(&file.name, &file.source.path) {
            report
                .error(&start, format!("{} is also the import path of {other}", file.name))
                .because("the path of a file below its package's root is what others import it by")
                .help("rename one of the two files");
        }
        if embedded::has(&file.name) {
            report
                .warning(&start, format!("{} is not read", file.source.path))
                .because("Mainstay brings its own copy of this file")
                .help("remove the file from the contract's folder");
        } else {
            check_package(report, index, file.parsed.as_ref().map_or("", |parsed| parsed.package()));
        }
    }
}

fn check_package(report: &mut Report<'_>, file: usize, package: &str) {
    let first = package.split('.').next().unwrap_or_default();
    let range = report.files.all[file].span(&[tag::FILE_PACKAGE]).unwrap_or(0..0);
    let spot = Spot { file, range };
    if is_reserved_package(package) {
        report
            .error(&spot, format!("the package {package} is reserved"))
            .because(format!("{first}.* belongs to others"))
            .help(own_package(package));
    } else if RESERVED_ROOTS.contains(&first) {
        report
            .error(&spot, format!("the package {package} is reserved"))
            .because(format!("its REST paths would begin with /{first}, where Mainstay answers itself"))
            .help(format!("put your application's name in front: NAME.{package}"));
    }
}

/// What to call a package that begins with a name of others.
fn own_package(package: &str) -> String {
    let rest = package.split_once('.').map_or("", |(_, rest)| rest);
    let is_version =
        |name: &str| name.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match rest.split('.').next() {
        Some(first) if !first.is_empty() && !is_version(first) => format!("choose a package of your own: {rest}"),
        _ => "choose a package of your own: your application's name and a version, NAME.v1".to_owned(),
    }
}
