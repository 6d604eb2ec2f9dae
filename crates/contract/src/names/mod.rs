//! Looks up every name that a file uses before its descriptors are linked: types, options and what stands inside them, and
//! whether numbers are free. All that is wrong is told at its place, with what was meant; what is left links.

mod known;
mod numbers;
mod options;
mod types;
mod values;

pub(crate) use values::row;

use std::collections::HashSet;

use prost_types::FileDescriptorProto;

use self::known::Known;
use crate::embedded;
use crate::file::Spot;
use crate::report::Report;

/// A file after its names were looked up.
pub(crate) struct Checked {
    /// Without the options that are wrong; fields of unknown types are strings, noted in the report.
    pub file: FileDescriptorProto,
    /// Whether what the file says is known: else nothing is made of it, so that nothing is guessed at.
    pub sound: bool,
}

/// Checks every written file; nothing for one that does not parse.
pub(crate) fn check(report: &mut Report<'_>) -> Vec<Option<Checked>> {
    let files = report.files;
    let known = Known::new(files.all.iter().filter_map(|file| file.parsed.as_ref()));
    let checked = files.all.iter().enumerate().map(|(index, file)| {
        let parsed = file.parsed.clone()?;
        (!embedded::has(&file.name)).then(|| one(report, &known, index, parsed))
    });
    checked.collect()
}

fn one(report: &mut Report<'_>, known: &Known, index: usize, mut file: FileDescriptorProto) -> Checked {
    let mut scope = Scope { known, index, visible: known.visible(&file), missing: Vec::new() };
    numbers::check(report, index, &mut file);
    let types_sound = types::check(report, &mut scope, &mut file);
    let before = report.errors();
    options::check(report, &mut scope, &mut file);
    let options_sound = report.errors() == before && scope.missing.iter().all(|missing| !missing.option);
    scope.report_missing(report);
    Checked { file, sound: types_sound && options_sound }
}

/// What a file may name.
struct Scope<'k> {
    known: &'k Known,
    /// Of the file.
    index: usize,
    /// The files whose names can be used. Nothing where an import leads nowhere, so that it is not known what it brings.
    visible: Option<HashSet<String>>,
    missing: Vec<Missing>,
}

/// A file that is used and not imported.
struct Missing {
    import: String,
    name: String,
    spot: Spot,
    uses: usize,
    /// Whether an option is among the uses.
    option: bool,
}

impl Scope<'_> {
    fn sees(&self, file: &str) -> bool {
        self.visible.as_ref().is_none_or(|visible| visible.contains(file))
    }

    /// Notes a name whose file is not imported; told once for each file.
    fn miss(&mut self, import: &str, name: &str, spot: &Spot, option: bool) {
        match self.missing.iter_mut().find(|missing| missing.import == import) {
            Some(missing) => {
                missing.uses += 1;
                missing.option |= option;
            }
            None => self.missing.push(Missing {
                import: import.to_owned(),
                name: name.to_owned(),
                spot: spot.clone(),
                uses: 1,
                option,
            }),
        }
    }

    fn report_missing(&self, report: &mut Report<'_>) {
        for Missing { import, name, spot, uses, .. } in &self.missing {
            let cause = match uses {
                1 => format!("it stands in {import}, which is not imported"),
                uses => format!("it stands in {import}, which is not imported; what stands there is used {uses} times"),
            };
            report
                .error(spot, format!("`{name}` is not imported"))
                .because(cause)
                .help(format!("add import \"{import}\";"));
        }
    }
}
