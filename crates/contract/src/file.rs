//! The written files, parsed, and the way from a descriptor to its place in them.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;
use prost_types::{FileDescriptorProto, SourceCodeInfo};
use protox::file::File;

use crate::comments::Comments;
use crate::text::{OptionText, Step, literal_offsets};
use crate::{Diagnostic, Place, Severity, Source};

/// Numbers of descriptor.proto that spans are found by.
pub(crate) mod tag {
    pub const NAME: i32 = 1;
    pub const FIELD_TYPE: i32 = 5;
    pub const FIELD_TYPE_NAME: i32 = 6;
    pub const FIELD_JSON_NAME: i32 = 10;
    pub const UNINTERPRETED_OPTION: i32 = 999;
    pub const FILE_PACKAGE: i32 = 2;
    pub const FILE_DEPENDENCY: i32 = 3;
    pub const FILE_OPTIONS: i32 = 8;
    pub const MESSAGE_OPTIONS: i32 = 7;
    pub const FIELD_OPTIONS: i32 = 8;
    pub const ONEOF_OPTIONS: i32 = 2;
    pub const ENUM_OPTIONS: i32 = 3;
    pub const ENUM_VALUE_OPTIONS: i32 = 3;
    pub const SERVICE_OPTIONS: i32 = 3;
    pub const METHOD_OPTIONS: i32 = 4;
}

/// A longer line is not shown with its problem.
const MAX_SHOWN_LINE_BYTES: usize = 500;

/// A stretch of a written file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Index into `Files`.
    pub file: usize,
    pub range: Range<usize>,
}

/// One written file.
#[derive(Debug)]
pub(crate) struct WrittenFile {
    pub source: Source,
    /// The name that descriptors and imports know it by: its path below the package's root.
    pub name: String,
    /// Nothing where the file does not parse. Without places: every pool that the file is added to would hold them twice.
    pub parsed: Option<FileDescriptorProto>,
    /// What stands above elements.
    pub comments: Comments,
    spans: HashMap<Vec<i32>, Range<u32>, FixedState>,
    /// Offsets at which lines start.
    lines: Vec<usize>,
}

impl WrittenFile {
    pub(crate) fn new(source: Source, name: String, mut parsed: Option<FileDescriptorProto>) -> WrittenFile {
        let lines: Vec<usize> =
            std::iter::once(0).chain(source.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let places = parsed.as_mut().and_then(|file| file.source_code_info.take()).unwrap_or_default();
        let comments = Comments::of(&places);
        let spans = spans(&source.text, &lines, places);
        WrittenFile { source, name, parsed, comments, spans, lines }
    }

    /// The stretch that the element at a descriptor path takes.
    pub(crate) fn span(&self, path: &[i32]) -> Option<Range<usize>> {
        self.spans.get(path).map(|span| span.start as usize..span.end as usize)
    }

    /// The file with the places of all that it says, for whoever must tell where something is wrong.
    pub(crate) fn located(&self, file: FileDescriptorProto) -> FileDescriptorProto {
        let again = File::from_source(&self.source.path, &self.source.text).ok();
        let source_code_info = again.and_then(|again| again.file_descriptor_proto().source_code_info.clone());
        FileDescriptorProto { source_code_info, ..file }
    }

    /// The first place that one of the paths has, else the file's beginning.
    fn first_span(&self, paths: &[&[i32]]) -> Range<usize> {
        paths.iter().find_map(|path| self.span(path)).unwrap_or(0..0)
    }

    /// Line and column (from 1, in characters) of an offset, and the range of its line without the line's end.
    fn position(&self, offset: usize) -> (u32, u32, Range<usize>) {
        let text = &self.source.text;
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        let end = self.lines.get(line).map_or(text.len(), |next| next - 1);
        let end = if text[start..end].ends_with('\r') { end - 1 } else { end };
        let column = text[start..offset].chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX), start..end)
    }
}

/// All written files.
#[derive(Debug)]
pub(crate) struct Files {
    pub all: Vec<WrittenFile>,
    by_name: HashMap<String, usize>,
}

impl Files {
    pub(crate) fn new(all: Vec<WrittenFile>) -> Files {
        let by_name = all.iter().enumerate().map(|(i, file)| (file.name.clone(), i)).collect();
        Files { all, by_name }
    }

    /// The index of the file that descriptors know by this name.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn spot(&self, file: &str, find: impl FnOnce(&WrittenFile) -> Range<usize>) -> Spot {
        let index = self.index(file).unwrap_or(0);
        Spot { file: index, range: self.all.get(index).map_or(0..0, find) }
    }

    /// The name of the element at `path`.
    pub(crate) fn name(&self, file: &str, path: &[i32]) -> Spot {
        self.spot(file, |file| file.first_span(&[&join(path, &[tag::NAME]), path]))
    }

    /// A number in a written file, else the element that has it.
    pub(crate) fn number(&self, file: usize, path: &[i32], element: &[i32]) -> Spot {
        Spot { file, range: self.all.get(file).map_or(0..0, |file| file.first_span(&[path, element])) }
    }

    /// The whole element at `path`.
    pub(crate) fn element(&self, file: &str, path: &[i32]) -> Spot {
        self.spot(file, |file| file.first_span(&[path]))
    }

    /// The type of the field at `path`.
    pub(crate) fn field_type(&self, file: &str, path: &[i32]) -> Spot {
        let (named, scalar) = (join(path, &[tag::FIELD_TYPE_NAME]), join(path, &[tag::FIELD_TYPE]));
        self.spot(file, |file| file.first_span(&[&named, &scalar, path]))
    }

    /// The JSON name of the field at `path`, where one is written; else its name.
    pub(crate) fn json_name(&self, file: &str, path: &[i32]) -> Spot {
        let (written, name) = (join(path, &[tag::FIELD_JSON_NAME]), join(path, &[tag::NAME]));
        self.spot(file, |file| file.first_span(&[&written, &name, path]))
    }

    /// What the statements about one extension on the element at `path` say.
    pub(crate) fn option_text(&self, file: &str, path: &[i32], options: i32, extension: &str) -> OptionText {
        let mut text = OptionText::default();
        let Some(file) = self.index(file).and_then(|index| self.all.get(index)) else { return text };
        for i in 0.. {
            let Some(span) = file.span(&join(path, &[options, tag::UNINTERPRETED_OPTION, i])) else { break };
            text.add(&file.source.text, span, extension);
        }
        text
    }

    /// A part of an option of the element at `path`; as near to it as can be found.
    pub(crate) fn option(&self, file: &str, path: &[i32], options: i32, extension: &str, steps: &[Step<'_>]) -> Spot {
        let found = self.option_text(file, path, options, extension).find(steps);
        match found {
            Some(range) => Spot { file: self.index(file).unwrap_or(0), range },
            None => self.name(file, path),
        }
    }

    /// A stretch of the value of the string literals at a spot.
    pub(crate) fn within(&self, spot: &Spot, stretch: Range<usize>) -> Spot {
        let offsets = literal_offsets(self.text(spot.file), spot.range.clone());
        let last = offsets.len().saturating_sub(1);
        if last == 0 {
            return spot.clone();
        }
        let start = offsets[stretch.start.min(last)];
        let end = stretch.end.checked_sub(1).map_or(start, |before| offsets[before.min(last - 1)] + 1);
        Spot { file: spot.file, range: start..end.max(start) }
    }

    pub(crate) fn text(&self, file: usize) -> &str {
        self.all.get(file).map_or("", |file| &file.source.text)
    }

    /// Where a spot begins, as a person counts.
    pub(crate) fn place(&self, spot: &Spot) -> Place {
        let Some(file) = self.all.get(spot.file) else { return Place::default() };
        let (line, column, _) = file.position(spot.range.start);
        Place { file: file.source.path.clone(), line, column }
    }

    /// Makes a diagnostic at a spot.
    pub(crate) fn diagnostic(&self, severity: Severity, spot: &Spot, message: String) -> Diagnostic {
        let general = Diagnostic { severity, ..Diagnostic::general(message, None, None) };
        let Some(file) = self.all.get(spot.file) else { return general };
        let text = &file.source.text;
        let (line, column, range) = file.position(spot.range.start);
        let start = spot.range.start.min(range.end);
        let marked = text.get(start..spot.range.end.clamp(start, range.end)).unwrap_or_default();
        let width = u32::try_from(marked.chars().count().max(1)).unwrap_or(1);
        let shown = text.get(range).filter(|line| line.len() <= MAX_SHOWN_LINE_BYTES);
        Diagnostic {
            file: file.source.path.clone(),
            line,
            column,
            end_column: column.saturating_add(width),
            source_line: shown.map(str::to_owned),
            ..general
        }
    }
}

pub(crate) fn join(path: &[i32], tail: &[i32]) -> Vec<i32> {
    [path, tail].concat()
}

/// Descriptor spans are lines and byte columns from 0; these are byte offsets.
fn spans(text: &str, starts: &[usize], places: SourceCodeInfo) -> HashMap<Vec<i32>, Range<u32>, FixedState> {
    let offset = |line: i32, column: i32| {
        let start = usize::try_from(line).ok().and_then(|line| starts.get(line)).copied().unwrap_or(text.len());
        let offset = (start + usize::try_from(column).unwrap_or(0)).min(text.len());
        // Files are far shorter.
        u32::try_from(offset).unwrap_or(u32::MAX)
    };
    let range = |span: &[i32]| match *span {
        [line, start, end] => Some(offset(line, start)..offset(line, end)),
        [line, start, last, end] => Some(offset(line, start)..offset(last, end)),
        _ => None,
    };
    // The first location of a path wins: `extend` blocks repeat theirs.
    let mut found = HashMap::with_capacity_and_hasher(places.location.len(), FixedState::default());
    for location in places.location {
        if let Some(range) = range(&location.span) {
            found.entry(location.path).or_insert(range);
        }
    }
    found
}
