//! From parsed files to one pool of descriptors.

use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;
use prost_types::field_descriptor_proto::Type;

use crate::embedded;
use crate::file::{Files, Spot, tag};
use crate::parse::{Raw, is_embedded};
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
    let states = vec![State::Waiting; files.all.len()];
    let mut linker = Linker { report, files, states, stack: Vec::new(), pool: embedded::pool() };
    for index in 0..files.all.len() {
        linker.visit(index);
    }
    linker.pool
}

/// A field whose type is not defined.
struct Undefined {
    full_name: String,
    words: Vec<String>,
}

/// Makes the field at a descriptor path a string. Nothing where there is no such field.
fn undefine(file: &mut FileDescriptorProto, path: &[i32]) -> Option<Undefined> {
    const MESSAGE: i32 = 4;
    const NESTED: i32 = 3;
    const FIELD: i32 = 2;
    let at = |index: &i32| usize::try_from(*index).ok();
    let [MESSAGE, first, rest @ ..] = path else { return None };
    let mut full_name = file.package.clone().into_iter().filter(|package| !package.is_empty()).collect::<Vec<_>>();
    let mut message = file.message_type.get_mut(at(first)?)?;
    let mut rest = rest;
    while let [NESTED, index, further @ ..] = rest {
        full_name.push(message.name().to_owned());
        message = message.nested_type.get_mut(at(index)?)?;
        rest = further;
    }
    full_name.push(message.name().to_owned());
    let [FIELD, index] = rest else { return None };
    let field = message.field.get_mut(at(index)?)?;
    full_name.push(field.name().to_owned());
    let type_name = field.type_name.take()?;
    field.set_type(Type::String);
    let words = type_name.split('.').chain([field.name()]).map(str::to_owned).collect();
    Some(Undefined { full_name: full_name.join("."), words })
}

struct Linker<'r, 'f> {
    report: &'r mut Report<'f>,
    files: &'f Files,
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
        let file = &self.files.all[index];
        let Some(parsed) = file.parsed.as_ref().filter(|_| !is_embedded(&file.name)) else {
            self.states[index] = State::Broken;
            return State::Broken;
        };
        self.states[index] = State::Open;
        self.stack.push(index);
        let mut sound = true;
        for (i, dependency) in parsed.dependency.iter().enumerate() {
            sound &= self.import(index, i, dependency, &parsed.dependency[..i]);
        }
        sound = sound && self.add(index, parsed.clone());
        self.stack.pop();
        self.states[index] = if sound { State::Linked } else { State::Broken };
        self.states[index]
    }

    /// Adds a file to the pool. Types that are not defined do not keep it out: they are told, and their fields noted, so
    /// that what else is wrong can be told along with them.
    fn add(&mut self, index: usize, mut parsed: FileDescriptorProto) -> bool {
        let file = &self.files.all[index];
        let Err(error) = self.pool.add_file_descriptor_proto(parsed.clone()) else { return true };
        let text = &file.source.text;
        let problems = Raw::all_of(&error.with_source_code(text), text);
        let undefined: Vec<Option<Undefined>> = problems
            .iter()
            .map(|problem| undefine(&mut parsed, file.field_of_type(&problem.range).unwrap_or_default()))
            .collect();
        for problem in problems {
            problem.add_to(self.report, index);
        }
        let Some(undefined) = undefined.into_iter().collect::<Option<Vec<_>>>() else { return false };
        for field in undefined {
            self.report.undefined_words.extend(field.words);
            self.report.undefined.insert(field.full_name);
        }
        // What is told of the file without those types is about its options.
        if let Err(error) = self.pool.add_file_descriptor_proto(parsed) {
            for problem in Raw::all_of(&error.with_source_code(text), text) {
                problem.add_to(self.report, index);
            }
            return false;
        }
        true
    }

    fn import(&mut self, file: usize, position: usize, name: &str, before: &[String]) -> bool {
        let path = [tag::FILE_DEPENDENCY, i32::try_from(position).unwrap_or(i32::MAX)];
        let range = self.files.all[file].span(&path).unwrap_or(0..0);
        let spot = Spot { file, range };
        if before.iter().any(|earlier| earlier == name) {
            self.report.error(&spot, format!("{name} is imported twice")).help("remove one of the two imports");
            return false;
        }
        if is_embedded(name) {
            return true;
        }
        let Some(imported) = self.files.index(name) else {
            self.report
                .error(&spot, format!("there is no file {name} to import"))
                .because("imports are paths from the contract's folder")
                .help(
                    "add the file to the contract; google/protobuf/*, google/api/*, google/type/*, google/rpc/*, \
                     buf/validate/validate.proto and mainstay/v1/options.proto are there without any file",
                );
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

    /// The files from the one met again back to itself.
    fn cycle(&self, from: usize) -> String {
        let start = self.stack.iter().position(|index| *index == from).unwrap_or(0);
        let names = self.stack[start..].iter().chain([&from]).map(|index| self.files.all[*index].name.as_str());
        names.collect::<Vec<_>>().join(" imports ")
    }
}
