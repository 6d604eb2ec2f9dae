//! Writes the `.proto` file of a package's Commit.

use std::collections::HashMap;
use std::fmt::Write as _;

use prost_reflect::DescriptorPool;

use super::bind::{BoundMethod, is_declared};
use super::derive;
use crate::machine::Written;
use crate::method::commit::{self, Commit, Operation, VERBS};
use crate::naming;
use crate::report::Report;
use crate::resource::head::Head;
use crate::{Source, Verb};

/// A package's Commit: what it takes, and the file that says so.
#[derive(Debug)]
pub(crate) struct DerivedCommit {
    pub commit: Commit,
    pub source: Source,
}

/// Derives the Commit of each package that has resources with writes. Where its names are taken, there is none.
pub(crate) fn derive(
    report: &mut Report<'_>,
    pool: &DescriptorPool,
    heads: &[Head],
    bound: &[BoundMethod],
) -> Vec<DerivedCommit> {
    let bound: BoundMethods<'_> = bound.iter().map(|method| ((method.resource, method.verb), method)).collect();
    let mut packages: Vec<&str> = heads.iter().map(Head::package).collect();
    packages.sort_unstable();
    packages.dedup();
    let mut derived = Vec::new();
    for package in packages {
        let own: Vec<&Head> = heads.iter().filter(|head| head.package() == package).collect();
        let (operations, records) = operations(package, heads, &bound);
        let path = format!("/{package}.CommitService/Commit");
        let commit = Commit { package: package.to_owned(), path, operations, records };
        let path = format!("{}/commit_service.proto", package.replace('.', "/"));
        if commit.operations.is_empty() {
            continue;
        }
        if is_taken(report, pool, package, &own, &path) {
            report
                .warning(&own[0].spot, format!("the package {package} has no Commit"))
                .because("its files declare something of the names that it needs")
                .help("rename what is called CommitService, CommitRequest or CommitResponse, or the file commit_service.proto");
            continue;
        }
        let text = text(pool, heads, &bound, &own, &commit);
        derived.push(DerivedCommit { commit, source: Source { path, text } });
    }
    derived
}

/// The methods of all resources, by what they do.
type BoundMethods<'b> = HashMap<(usize, Verb), &'b BoundMethod>;

/// The operations of a package's Commit, and its resources with the numbers of their records.
fn operations(package: &str, heads: &[Head], bound: &BoundMethods<'_>) -> (Vec<Operation>, Vec<(usize, u32)>) {
    let own: Vec<usize> = (0..heads.len()).filter(|index| heads[*index].package() == package).collect();
    let firsts = commit::numbers(own.iter().map(|index| heads[*index].type_name.as_str()));
    let mut all: Vec<(u32, usize, Verb)> = Vec::new();
    for (resource, first) in own.iter().zip(&firsts) {
        all.extend((*first..).zip(VERBS).map(|(number, verb)| (number, *resource, verb)));
    }
    let transitions: Vec<(String, usize, Verb)> =
        own.iter().flat_map(|index| transitions(&heads[*index], *index)).collect();
    let numbers = commit::numbers_of_transitions(transitions.iter().map(|(key, ..)| key.as_str()));
    all.extend(numbers.into_iter().zip(&transitions).map(|(number, (_, resource, verb))| (number, *resource, *verb)));
    all.retain(|(_, resource, verb)| bound.contains_key(&(*resource, *verb)));
    all.sort_unstable_by_key(|(number, ..)| *number);
    let operation = |(number, resource, verb): &(u32, usize, Verb)| {
        let name = naming::snake(&verb.method_name(&heads[*resource]));
        Operation { number: *number, name, verb: *verb, resource: *resource }
    };
    let written = |(resource, _): &(usize, u32)| all.iter().any(|(_, own, _)| own == resource);
    let mut records: Vec<(usize, u32)> = own.into_iter().zip(firsts).filter(written).collect();
    records.sort_unstable_by_key(|(_, number)| *number);
    (all.iter().map(operation).collect(), records)
}

/// The transitions of a resource, each by what its number is made of.
fn transitions(head: &Head, resource: usize) -> impl Iterator<Item = (String, usize, Verb)> {
    let name = move |(which, written): (u16, &Written)| {
        (format!("{}/{}", head.type_name, written.name), resource, Verb::Transition(which))
    };
    (0..).zip(&head.transitions).map(name)
}

fn is_taken(report: &Report<'_>, pool: &DescriptorPool, package: &str, own: &[&Head], path: &str) -> bool {
    let names = ["CommitService", "CommitRequest", "CommitResponse"];
    names.iter().any(|name| is_declared(pool, &format!("{package}.{name}")))
        || own.iter().any(|head| head.service_name() == "CommitService")
        || report.files.index(path).is_some()
}

/// The request of an operation: its full name, and the file that declares it.
fn input(pool: &DescriptorPool, heads: &[Head], bound: &BoundMethods<'_>, operation: &Operation) -> (String, String) {
    let head = &heads[operation.resource];
    let written = bound.get(&(operation.resource, operation.verb)).and_then(|method| {
        let service = pool.get_service_by_name(&method.service)?;
        let input = service.methods().find(|own| own.name() == method.name)?.input();
        Some((input.full_name().to_owned(), input.parent_file().name().to_owned()))
    });
    written.unwrap_or_else(|| (operation.verb.input(head), derive::path(head)))
}

fn text(pool: &DescriptorPool, heads: &[Head], bound: &BoundMethods<'_>, own: &[&Head], commit: &Commit) -> String {
    let inputs: Vec<(String, String)> =
        commit.operations.iter().map(|operation| input(pool, heads, bound, operation)).collect();
    let mut imports: Vec<String> = inputs.iter().map(|(_, file)| file.clone()).collect();
    imports.extend(own.iter().map(|head| head.message.parent_file().name().to_owned()));
    imports.extend(["google/api/annotations.proto", "google/api/field_behavior.proto"].map(str::to_owned));
    imports.sort_unstable();
    imports.dedup();
    let package = &commit.package;
    let mut out = format!(
        "// Derived by Mainstay for the package {package}. Not to be edited.\n\nsyntax = \"proto3\";\n\npackage {package};\n\n"
    );
    for import in imports {
        let _ = writeln!(out, "import \"{import}\";");
    }
    let options = own.first().map(|head| derive::language_options(head)).unwrap_or_default();
    if !options.is_empty() {
        let _ = write!(out, "\n{options}");
    }
    let root = package.replace('.', "/");
    let _ = write!(out, "{}", SERVICE.replace("ROOT", &root));
    for (operation, (input, _)) in commit.operations.iter().zip(&inputs) {
        let _ = writeln!(out, "      .{input} {} = {};", operation.name, operation.number);
    }
    out.push_str(PRECONDITION);
    for resource in commit.resources() {
        let (head, record) = (&heads[resource], commit.record(resource).unwrap_or_default());
        let _ = writeln!(out, "      .{} {} = {record};", head.message.full_name(), head.singular);
    }
    out.push_str("    }\n  }\n}\n");
    out
}

const SERVICE: &str = r#"
// Writes several resources together.
service CommitService {
  // Does all of the writes, or none of them.
  rpc Commit(CommitRequest) returns (CommitResponse) {
    option (google.api.http) = {post: "/ROOT:commit" body: "*"};
  }
}

// The request of Commit.
message CommitRequest {
  // At most 1,000, no resource twice; each sees those before it.
  repeated Write writes = 1 [(google.api.field_behavior) = REQUIRED];

  // What has to hold before anything is written, as the caller sees it; at most 1,000.
  repeated Precondition preconditions = 2;

  // Identifies the call, so that it can be repeated (AIP-155); best a UUID. Where nobody is signed in, only a call that is the same in every field counts as its repetition.
  string request_id = 3;

  // Checks the call without doing anything (AIP-163).
  bool validate_only = 4;

  // One write.
  message Write {
    // How later writes name what this one writes: `$label` in the place of its resource name, as a parent or a reference.
    string label = 1;

    // What is done.
    oneof operation {
"#;

const PRECONDITION: &str = r#"    }
  }

  // What has to hold of one resource.
  message Precondition {
    // The resource name.
    string name = 1 [(google.api.field_behavior) = REQUIRED];

    // What has to hold.
    oneof condition {
      // Whether there is such a resource.
      bool exists = 2;

      // The version of it (AIP-154).
      string etag = 3;
    }
  }
}

// The answer of Commit.
message CommitResponse {
  // What became of each write, in the order of the request.
  repeated Result results = 1;

  // What became of one write.
  message Result {
    // What was written; nothing where it was deleted.
    oneof record {
"#;
