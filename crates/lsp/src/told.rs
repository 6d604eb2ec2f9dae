//! What was found, in the words of the protocol.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mainstay_contract::editor::{Completion, Completions};
use mainstay_contract::{Diagnostic, Severity};
use tower_lsp_server::ls_types::{
    self, CompletionItem, CompletionItemKind, CompletionTextEdit, DiagnosticSeverity, Documentation, InsertTextFormat,
    MarkupContent, MarkupKind, TextEdit,
};

use crate::position::Lines;
use crate::workspace::Checked;

/// The problems of each file that has some; what is of no file is told at the beginning of the first.
pub fn problems(checked: &Checked) -> BTreeMap<PathBuf, Vec<ls_types::Diagnostic>> {
    let mut told: BTreeMap<PathBuf, Vec<ls_types::Diagnostic>> = BTreeMap::new();
    let Some(first) = checked.sources.first() else { return told };
    for found in checked.diagnostics() {
        let source = checked.sources.iter().find(|source| source.path == found.file).unwrap_or(first);
        told.entry(checked.root.join(&source.path)).or_default().push(problem(found, &Lines::of(&source.text)));
    }
    told
}

fn problem(found: &Diagnostic, lines: &Lines<'_>) -> ls_types::Diagnostic {
    let because = found.cause.iter().map(|cause| format!("\nbecause: {cause}"));
    let help = found.help.iter().map(|help| format!("\nhelp: {help}"));
    ls_types::Diagnostic {
        range: lines.columns(found.line, found.column..found.end_column),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        source: Some("mainstay".to_owned()),
        message: std::iter::once(found.message.clone()).chain(because).chain(help).collect(),
        ..ls_types::Diagnostic::default()
    }
}

/// What can be written at a place. `snippets`: whether the editor can put the caret into what it writes.
pub fn completions(found: Completions, lines: &Lines<'_>, snippets: bool) -> Vec<CompletionItem> {
    let range = lines.range(&found.range);
    let items = found.items.into_iter().enumerate();
    items.map(|(order, item)| completion(item, order, range, snippets)).collect()
}

fn completion(item: Completion, order: usize, range: ls_types::Range, snippets: bool) -> CompletionItem {
    let Completion { label, fill, ty, doc } = item;
    let escaped = |text: &str| text.replace('}', "\\}");
    let (text, format) = if snippets {
        let text = format!("{label}{}$0{}", escaped(fill.before), escaped(fill.after));
        (text, InsertTextFormat::SNIPPET)
    } else {
        (label.clone(), InsertTextFormat::PLAIN_TEXT)
    };
    CompletionItem {
        kind: Some(if ty.is_empty() { CompletionItemKind::ENUM_MEMBER } else { CompletionItemKind::PROPERTY }),
        detail: Some(ty).filter(|ty| !ty.is_empty()),
        documentation: Some(doc).filter(|doc| !doc.is_empty()).map(|doc| Documentation::MarkupContent(markdown(doc))),
        sort_text: Some(format!("{order:04}")),
        // What is typed of an extension begins with its bracket.
        filter_text: Some(label.clone()),
        insert_text_format: Some(format),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: text })),
        label,
        ..CompletionItem::default()
    }
}

pub fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}
