//! The contract changes in every way that a plan knows while clients call: no call on a path that stays fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mainstay_testkit::http::Http;
use mainstay_testkit::wait::until;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Folder, System};

const NOTES: &str = "notes/v1/note.proto";
const TASKS: &str = "tasks/v1/task.proto";

/// Calls that each client must have made around each change.
const ENOUGH: usize = 12;

mainstay_testkit::both_engines! {
    async fn no_step_of_a_plan_fails_a_call_in_one_process(engine: Engine) {
        every_step(System::one(engine, folder()).await).await;
    }

    async fn no_step_of_a_plan_fails_a_call_in_three_processes(engine: Engine) {
        every_step(System::three(engine, folder()).await).await;
    }
}

/// A note, in all that the plan may change of it.
#[derive(Clone, Copy)]
struct Note {
    package: &'static str,
    message: &'static str,
    title: &'static str,
    body: &'static str,
    more: &'static str,
    options: &'static str,
    beside: &'static str,
}

fn file(package: &str, body: &str) -> String {
    format!(
        "syntax = \"proto3\";\npackage {package};\nimport \"google/api/field_behavior.proto\";\n\
         import \"google/api/resource.proto\";\nimport \"mainstay/v1/options.proto\";\n{body}"
    )
}

fn resource(message: &str, [name, kind]: [&str; 2], options: &str, fields: &str) -> String {
    format!(
        "message {message} {{\n\
         option (google.api.resource) = {{type: \"swaps.example.org/{kind}\" pattern: \"{name}s/{{{name}}}\"}};\n\
         option (mainstay.v1.resource) = {{{options}}};\n\
         string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n{fields}\n}}\n"
    )
}

const OPEN: &str = r#"access {read: "true" write: "true"}"#;

fn note(note: &Note) -> String {
    let Note { package, message, title, body, more, options, beside } = note;
    file(
        package,
        &(resource(message, ["note", "Note"], options, &format!("{title}\n{body}\nint32 weight = 4;\n{more}"))
            + beside),
    )
}

const FIRST: Note = Note {
    package: "notes.v1",
    message: "Note",
    title: "string title = 2;",
    body: "string body = 3;",
    more: "",
    options: OPEN,
    beside: "",
};

fn folder() -> Folder {
    let folder = Folder::with(NOTES, &note(&FIRST));
    folder.write(
        TASKS,
        &file("tasks.v1", &resource("Task", ["task", "Task"], OPEN, "string title = 2;\nint32 weight = 4;")),
    );
    folder
}

/// Each change on top of those before it: what it is called, and whether the paths of notes stay.
fn steps() -> Vec<(&'static str, Note, bool)> {
    let renamed = Note { title: r#"string headline = 2 [(mainstay.v1.field) = {aliases: "title"}];"#, ..FIRST };
    let moved = Note { message: "Memo", ..renamed };
    let wider = Note { more: "int32 extra = 5; repeated string tags = 6;", ..moved };
    let beside = r#"message Pad { option (google.api.resource) = {type: "swaps.example.org/Pad" pattern: "pads/{pad}"};
        option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
        string name = 1 [(google.api.field_behavior) = IDENTIFIER]; }"#;
    let grown = Note { beside, ..wider };
    let indexed = Note { options: r#"access {read: "true" write: "true"} index {fields: "weight"}"#, ..grown };
    let bare = Note { options: OPEN, ..indexed };
    let ruled = Note { options: r#"access {read: "true" create: "true" update: "old.weight == 7"}"#, ..bare };
    let hidden = Note { body: "reserved 3; reserved \"body\";", ..ruled };
    let package = Note { package: "notes.v2", ..hidden };
    vec![
        ("rename field", renamed, true),
        ("rename message", moved, true),
        ("add field", wider, true),
        ("add resource", grown, true),
        ("add index", indexed, true),
        ("drop index", bare, true),
        ("change rule", ruled, true),
        ("hide field", hidden, true),
        ("rename package", package, false),
    ]
}

async fn every_step(system: System) {
    let http = system.http();
    for path in ["/notes/v1/notes?noteId=a", "/tasks/v1/tasks?taskId=a"] {
        http.post(path, json!({"title": "T", "weight": 7})).await.ok();
    }
    let mut notes = Some(Clients::start(&http, "notes"));
    let tasks = Clients::start(&http, "tasks");
    for (revision, (step, contract, stays)) in (2..).zip(steps()) {
        if !stays && let Some(notes) = notes.take() {
            notes.finish(step).await;
        }
        for clients in notes.iter().chain([&tasks]) {
            clients.have_called(step).await;
        }
        change(&system, step, &contract).await;
        until(&format!("{step}: revision {revision} is served"), || async {
            let numbers = [format!("revision={revision}"), format!("\"revision\":{revision}")];
            let served = |line: &str| {
                let says = line.contains("serving the application's contract");
                says && numbers.iter().any(|number| line.contains(number))
            };
            system.gateway.log().lines().any(served).then_some(())
        })
        .await;
        for clients in notes.iter().chain([&tasks]) {
            clients.have_called(step).await;
        }
    }
    tasks.finish("at the end").await;
    assert_eq!(http.get("/notes/v2/notes/a").await.ok()["headline"], "T");
}

/// Saves the contract; what development does not apply by itself is accepted on the command line.
async fn change(system: &System, step: &str, contract: &Note) {
    system.folder.write(NOTES, &note(contract));
    if step != "hide field" {
        return;
    }
    let data = system.data.as_ref().unwrap_or(&system.gateway);
    let plan = data.launch().command(&["contract", "plan"]);
    let plan = format!("{}{}", String::from_utf8_lossy(&plan.stdout), String::from_utf8_lossy(&plan.stderr));
    let id = plan.split_once("--accept ").and_then(|(_, rest)| rest.split_whitespace().next());
    let id = id.unwrap_or_else(|| panic!("nothing is to be accepted: {plan}")).trim_matches(['`', '\'', '"']);
    let done = data.launch().command(&["contract", "apply", "--accept", id]);
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Clients that get, list, change and create until they are told to stop. Every failed call fails the test.
struct Clients {
    stop: Arc<AtomicBool>,
    calls: Vec<Arc<AtomicUsize>>,
    tasks: JoinSet<()>,
}

impl Clients {
    fn start(http: &Http, what: &'static str) -> Clients {
        let mut clients = Clients { stop: Arc::default(), calls: Vec::new(), tasks: JoinSet::new() };
        for kind in 0..4 {
            let (http, stop, calls) = (http.clone(), Arc::clone(&clients.stop), Arc::new(AtomicUsize::new(0)));
            clients.calls.push(Arc::clone(&calls));
            clients.tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    call(&http, what, kind).await;
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        clients
    }

    async fn have_called(&self, step: &str) {
        let before: Vec<usize> = self.calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
        until(&format!("{step}: the clients have called"), || async {
            let enough =
                self.calls.iter().zip(&before).all(|(calls, before)| calls.load(Ordering::Relaxed) >= before + ENOUGH);
            enough.then_some(())
        })
        .await;
    }

    async fn finish(mut self, step: &str) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap_or_else(|error| panic!("before {step} a call failed: {error}"));
        }
    }
}

async fn call(http: &Http, what: &str, kind: usize) {
    let rows = format!("/{what}/v1/{what}");
    match kind {
        0 => assert_eq!(http.get(&format!("{rows}/a")).await.ok()["weight"], 7),
        1 => {
            let page = http.get(&format!("{rows}?pageSize=5&orderBy=weight&filter=weight%20%3D%207")).await.ok();
            assert!(page[what].as_array().is_some_and(|rows| !rows.is_empty()), "{page}");
        }
        2 => assert_eq!(http.patch(&format!("{rows}/a"), json!({"weight": 7})).await.ok()["weight"], 7),
        _ => assert_eq!(http.post(&rows, json!({"weight": 7})).await.ok()["weight"], 7),
    }
}
