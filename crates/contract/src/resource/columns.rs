//! The names of a table's columns.

use std::collections::HashMap;

use mainstay_record::page::{MAX_ROW_BYTES, largest_row_bytes};
use mainstay_record::{Column, Kind, Layout, NumberPath};

use crate::file::Spot;
use crate::naming::MAX_IDENTIFIER_BYTES;
use crate::resource::layout::{Builder, MAX_COLUMNS};

impl Builder<'_, '_> {
    /// Names must be short enough, and different even for SQLite, which does not tell cases apart.
    pub(super) fn check_columns(&mut self) {
        self.warn_of_large_rows();
        let columns = std::mem::take(&mut self.built.layout.columns);
        if columns.len() > MAX_COLUMNS {
            self.report
                .error(
                    &self.head.spot,
                    format!("{} would have more than {MAX_COLUMNS} columns", self.head.message.full_name()),
                )
                .because("each scalar field of each message inside takes one")
                .help("make one of the messages repeated, or a resource of its own");
        }
        let mut seen: HashMap<String, &Column> = HashMap::new();
        for column in columns.iter().take(MAX_COLUMNS) {
            if column.name.len() > MAX_IDENTIFIER_BYTES {
                let spot = self.spot_of(&column.path);
                self.report
                    .error(
                        &spot,
                        format!("the column of {} would have a name of {} bytes", column.field, column.name.len()),
                    )
                    .because(format!(
                        "{} is longer than the {MAX_IDENTIFIER_BYTES} bytes that PostgreSQL keeps",
                        column.name
                    ))
                    .help("shorten the names of the fields on the way there");
            }
            if let Some(other) = seen.insert(column.name.to_ascii_lowercase(), column) {
                let (first, second) = (describe(other), describe(column));
                let spot = self.spot_of(&column.path);
                self.report
                    .error(&spot, format!("{second} would lie in the same column as {first}"))
                    .because(format!("both columns would be called {}", column.name.to_ascii_lowercase()))
                    .help("rename one of the fields");
            }
        }
        self.built.layout.columns = columns;
    }

    /// The innermost field on a path that stands in a written file.
    fn spot_of(&self, path: &NumberPath) -> Spot {
        let mut message = Some(self.head.message.clone());
        let mut spot = self.head.spot.clone();
        for number in &path.0 {
            let Some(field) = message.and_then(|message| message.get_field(*number)) else { break };
            let file = field.parent_file();
            if self.report.files.index(file.name()).is_some() {
                spot = self.report.name(file.name(), field.path());
            }
            message = field.kind().as_message().cloned();
        }
        spot
    }
}

fn describe(column: &Column) -> String {
    if column.field.is_empty() { format!("Mainstay's own {}", column.name) } else { column.field.clone() }
}

impl Builder<'_, '_> {
    /// A record with a value in every column may be more than a table takes. It is then refused when it is written.
    fn warn_of_large_rows(&mut self) {
        let layout: &Layout = &self.built.layout;
        let largest = largest_row_bytes(layout);
        if largest <= MAX_ROW_BYTES || layout.columns.len() > MAX_COLUMNS {
            return;
        }
        let texts = layout.columns.iter().filter(|column| matches!(column.kind, Kind::Text | Kind::Bytes | Kind::Json));
        let cause = format!(
            "a row lies in a page of {MAX_ROW_BYTES} bytes: each of its {} texts, bytes, lists and maps takes up to 21 of them, \
             each number 8",
            texts.count()
        );
        self.report
            .warning(
                &self.head.spot,
                format!("{} has too many columns for all of them to be set", self.head.message.full_name()),
            )
            .because(cause)
            .help("put fields into a repeated message or a map, which is one column, or into a resource of its own");
    }
}
