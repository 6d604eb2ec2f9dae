//! From parsed files to one pool of descriptors.

use mainstay_expr::nearest;
use prost_reflect::DescriptorPool;

use crate::embedded;
use crate::file::{Files, Spot, tag};
use crate::names::{self, Checked};
use crate::parse::Raw;
use crate::report::Report;

/// How long a chain of imports is at most.
pub const MAX_IMPORT_DEPTH: usize = 64;

/// Where a file is on its way into the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Its imports are being linked: to meet it again is a cycle.
    Open,
    Linked,
    /// It, or something that it imports, has problems that are told already.
    Broken,
}

/// Links the files, each after what it imports. What is wrong is reported; the files without problems are in the pool.
pub(crate) fn link(report: &mut Report<'_>) -> DescriptorPool {
    let files = report.files;
    let checked = names::check(report);
    let states = vec![State::Waiting; files.all.len()];
    let mut linker = Linker { report, files, checked, states, stack: Vec::new(), pool: embedded::pool() };
    for index in 0..files.all.len() {
        linker.visit(index);
    }
    linker.pool
}

struct Linker<'r, 'f> {
    report: &'r mut Report<'f>,
    files: &'f Files,
    /// What is not linked yet; nothing for files that do not parse.
    checked: Vec<Option<Checked>>,
    states: Vec<State>,
    /// The open files, each imported by the one before it.
    stack: Vec<usize>,
    pool: DescriptorPool,
}

impl Linker<'_, '_> {
    fn visit(&mut self, index: usize) -> State {
        if self.states[index] != State::Waiting {
            return self.states[index];
        }
        let Some(checked) = self.checked[index].take() else {
            self.states[index] = State::Broken;
            return State::Broken;
        };
        self.states[index] = State::Open;
        self.stack.push(index);
        let mut sound = true;
        let dependencies = &checked.file.dependency;
        for (i, dependency) in dependencies.iter().enumerate() {
            sound &= self.import(index, i, dependency, &dependencies[..i]);
        }
        sound = sound && self.add(index, checked);
        self.stack.pop();
        self.states[index] = if sound { State::Linked } else { State::Broken };
        self.states[index]
    }

    /// Adds a file to the pool, unless something that it says is not known: then it is only told what else is wrong.
    fn add(&mut self, index: usize, Checked { file, sound }: Checked) -> bool {
        // A pool that has a clone is copied as a whole when a file is added to it.
        if sound && self.pool.add_file_descriptor_proto(file.clone()).is_ok() {
            return true;
        }
        let written = &self.files.all[index];
        let (mut aside, file) = (self.pool.clone(), written.located(file));
        let Err(error) = aside.add_file_descriptor_proto(file) else { return sound };
        let text = &written.source.text;
        for problem in Raw::all_of(&error.with_source_code(text), text) {
            problem.add_to(self.report, index);
        }
        false
    }

    fn import(&mut self, file: usize, position: usize, name: &str, before: &[String]) -> bool {
        let path = [tag::FILE_DEPENDENCY, i32::try_from(position).unwrap_or(i32::MAX)];
        let range = self.files.all[file].span(&path).unwrap_or(0..0);
        let spot = Spot { file, range };
        if before.iter().any(|earlier| earlier == name) {
            self.report.error(&spot, format!("{name} is imported twice")).help("remove one of the two imports");
            return false;
        }
        if embedded::has(name) {
            return true;
        }
        let Some(imported) = self.files.index(name) else {
            let instead = self.instead(name);
            self.report
                .error(&spot, format!("there is no file {name} to import"))
                .because("imports are paths from the contract's folder")
                .help(instead);
            return false;
        };
        if self.stack.len() >= MAX_IMPORT_DEPTH {
            self.report
                .error(&spot, format!("imports lead more than {MAX_IMPORT_DEPTH} files deep"))
                .help("import what is needed directly");
            return false;
        }
        match self.visit(imported) {
            State::Linked => true,
            State::Open => {
                let cycle = self.cycle(imported);
                self.report
                    .error(&spot, "files import one another in a circle")
                    .because(cycle)
                    .help("move what both need into a file of its own");
                false
            }
            State::Broken | State::Waiting => false,
        }
    }

    /// What to import instead of a file that is not there.
    fn instead(&self, name: &str) -> String {
        let written = self.files.all.iter().map(|file| file.name.as_str());
        let embedded: Vec<String> = embedded::pool().files().map(|file| file.name().to_owned()).collect();
        match nearest(name, written.chain(embedded.iter().map(String::as_str))) {
            Some(near) => format!("did you mean import \"{near}\";?"),
            None => "add the file to the contract; google/protobuf/*, google/api/*, google/type/*, google/rpc/*, \
                     buf/validate/validate.proto and mainstay/v1/options.proto are there without any file"
                .to_owned(),
        }
    }

    /// The files from the one met again back to itself.
    fn cycle(&self, from: usize) -> String {
        let start = self.stack.iter().position(|index| *index == from).unwrap_or(0);
        let names = self.stack[start..].iter().chain([&from]).map(|index| self.files.all[*index].name.as_str());
        names.collect::<Vec<_>>().join(" imports ")
    }
}
