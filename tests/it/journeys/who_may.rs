//! The application that the README declares to say who may do what.

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use serde_json::{Value, json};

use crate::support::readme::{Step, block, commands, run};
use crate::support::{Folder, System};

const CHAPTER: &str = "## Say who may do what";

/// The application of the README's chapter.
fn folder() -> Folder {
    Folder::with("work/v1/work.proto", &block(CHAPTER, "proto"))
}

async fn account(who: &Http) -> String {
    let account = who.get("/auth/v1/accounts/me").await.ok();
    account["name"].as_str().and_then(|name| name.rsplit('/').next()).expect("a name").to_owned()
}

mainstay_testkit::both_engines! {
    async fn members_share_tasks_and_who_is_removed_is_out_at_the_next_call(engine: Engine) {
        let system = System::one(engine, folder()).await;
        let (ann, bob) = (system.user("ann@example.org").await, system.user("bob@example.org").await);
        let stranger = system.user("cat@example.org").await;
        let project = "/work/v1/projects/cups";
        ann.post("/work/v1/projects?projectId=cups", json!({"title": "Cups"})).await.ok();

        // Nobody lets himself in, and a member lets nobody in.
        bob.get(project).await.refusal(404, "NOT_FOUND");
        let seat = |who: String| json!({"account": who});
        let alone = bob.post(&format!("{project}/members"), seat(account(&bob).await)).await;
        alone.refusal(403, "PERMISSION_DENIED");
        let nowhere = bob.post("/work/v1/projects/none/members", seat(account(&bob).await)).await;
        assert_eq!(nowhere.text(), alone.text(), "there might as well be no such project");
        let place = format!("{project}/members?memberId=bob");
        ann.post(&place, seat(account(&bob).await)).await.ok();
        bob.get(project).await.ok();
        bob.post(&format!("{project}/members"), seat(account(&stranger).await)).await.refusal(403, "PERMISSION_DENIED");
        bob.patch(&format!("{project}/members/bob"), json!({"lead": true})).await.refusal(403, "PERMISSION_DENIED");

        let task = json!({"title": "Wash them", "assignee": account(&bob).await});
        bob.post(&format!("{project}/tasks?taskId=wash"), task).await.ok();
        let task = format!("{project}/tasks/wash");
        stranger.get(&task).await.refusal(404, "NOT_FOUND");

        // Fields of one's own.
        bob.patch(&task, json!({"hours": 3, "notes": "two are broken"})).await.ok();
        let seen = ann.get(&task).await.ok();
        assert_eq!((&seen["hours"], &seen["notes"]), (&json!(3), &Value::Null));
        let refused = ann.patch(&task, json!({"hours": 1})).await.refusal(403, "PERMISSION_DENIED");
        assert!(refused.to_string().contains("hours"), "{refused}");

        // States are passed through in their order, by whoever they are for.
        let does = async |who: &Http, what: &str| who.post(&format!("{task}:{what}"), json!({})).await;
        does(&ann, "finish").await.refusal(403, "PERMISSION_DENIED");
        let early = does(&ann, "accept").await.refusal(400, "FAILED_PRECONDITION");
        assert!(early.to_string().contains("OPEN"), "{early}");
        assert_eq!(does(&bob, "finish").await.ok()["state"], "FINISHED");
        does(&bob, "accept").await.refusal(403, "PERMISSION_DENIED");
        let accepted = does(&ann, "accept").await.ok();
        assert_eq!(accepted["acceptedBy"], json!(account(&ann).await));
        does(&bob, "reopen").await.refusal(403, "PERMISSION_DENIED");

        ann.delete(&format!("{project}/members/bob")).await.ok();
        bob.get(&task).await.refusal(404, "NOT_FOUND");
        bob.get(project).await.refusal(404, "NOT_FOUND");
        ann.delete(project).await.ok();
        ann.get(&task).await.refusal(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn the_chapters_commands_print_what_it_says() {
    let system = System::one(Engine::Sqlite, folder()).await;
    let steps = run(&commands("<!-- who-may"), &system.gateway.address());
    // What was answered to the commands that begin so, one after the other.
    let answers = |beginning: &str| -> Vec<Value> {
        let is_meant = |command: &str| {
            command.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        steps.iter().filter(|step| is_meant(&step.command)).map(Step::json).collect()
    };
    let status = |answer: &Value| answer["error"]["status"].as_str().unwrap_or_default().to_owned();
    let project = answers("call $BOB projects/cups");
    assert_eq!((status(&project[0]).as_str(), &project[1]["title"]), ("NOT_FOUND", &json!("Cups")));
    let [by_ann, by_bob] = ["ANN", "BOB"].map(|who| answers(&format!("call ${who} projects/cups/tasks/wash")));
    assert_eq!((&by_bob[0]["hours"], &by_bob[0]["notes"]), (&json!(3), &json!("two are broken")));
    assert!(status(&by_ann[0]) == "PERMISSION_DENIED" && by_ann[0].to_string().contains("hours"), "{}", by_ann[0]);
    assert_eq!((&by_ann[1]["hours"], &by_ann[1]["notes"]), (&json!(3), &Value::Null));
    assert_eq!(status(&by_bob[1]), "INVALID_ARGUMENT");
    assert_eq!(status(&answers("call $ANN projects/cups/tasks/wash:finish")[0]), "PERMISSION_DENIED");
    assert_eq!(answers("call $BOB projects/cups/tasks/wash:finish")[0]["state"], "FINISHED");
    assert_eq!(answers("call $ANN projects/cups/tasks/wash:accept")[0]["state"], "ACCEPTED");
    let past = &answers("call $ANN projects/cups/tasks/wash:listTransitions")[0];
    assert_eq!(past["transitions"].as_array().map(Vec::len), Some(2), "{past}");
    assert_eq!((by_bob.len(), status(&by_bob[2]).as_str()), (3, "NOT_FOUND"));
}
