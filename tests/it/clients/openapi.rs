//! What people make of the description: the tools that judge it, a client in TypeScript that is made of it, a program that calls all
//! that it says, and somebody in Chromium on the page that shows it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use http::Method;
use mainstay_testkit::Engine;
use mainstay_testkit::server::Launch;
use mainstay_testkit::tools::{Node, OpenApiTools};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::account::seen;
use super::workshop::sources;
use crate::support::{Folder, PASSWORD, System, repository};

const MERCHANT: &str = "merchant@example.org";

/// The tools, and a folder to keep a document in.
struct Desk {
    tools: OpenApiTools,
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::Builder::new().prefix("mainstay-test-openapi-").tempdir();
        Desk { tools: OpenApiTools::of(&sources().join("openapi")), folder: folder.expect("a folder can be made") }
    }

    /// Keeps the document that a system shows everybody.
    async fn document_of(&self, system: &System) -> PathBuf {
        let document = system.http().get("/openapi.json").await;
        assert_eq!(document.status, 200);
        let path = self.folder.path().join("openapi.json");
        fs::write(&path, document.text()).expect("a document can be kept");
        path
    }
}

/// Every tool takes the document of a contract, and what a program calls by it is answered as it says.
async fn is_described(folder: Folder, roles: &[&str], paths: &str) {
    let (system, desk) = (System::one(Engine::Sqlite, folder).await, Desk::new());
    let document = desk.document_of(&system).await;
    desk.tools.judge(&document);
    system.sign_up(MERCHANT).await;
    for role in roles {
        system.gateway.command(&["admin", "grant", MERCHANT, role]);
    }
    let merchant = system.sign_in(MERCHANT).await;
    desk.tools.explore(&document, (&system.gateway.url(), merchant.token()), paths, None);
}

#[tokio::test]
async fn the_shop_is_as_it_is_described() {
    is_described(Folder::sample(), &["merchant"], "^/shop/").await;
}

#[tokio::test]
async fn the_company_is_as_it_is_described() {
    is_described(Folder::of("people"), &[], "^/people/").await;
}

#[tokio::test]
async fn the_ledger_is_as_it_is_described() {
    is_described(Folder::of("ledger"), &[], "^/ledger/").await;
}

#[tokio::test]
async fn the_network_is_as_it_is_described() {
    is_described(Folder::of("social"), &[], "^/social/").await;
}

#[tokio::test]
async fn a_contract_that_says_everything_is_as_it_is_described() {
    let text = fs::read_to_string(repository().join("tests/contracts/everything/v1/specimen.proto"));
    is_described(Folder::with("v1/specimen.proto", &text.expect("the contract is there")), &[], "^/everything/").await;
}

#[tokio::test]
async fn tools_take_the_document_of_a_contract_with_an_upstream() {
    let (system, desk) = (System::one(Engine::Sqlite, Folder::of_tests("pricing")).await, Desk::new());
    desk.tools.judge(&desk.document_of(&system).await);
}

/// What ends the session that asks, or its account, and streams that do not end.
const NOT_ASKED: &str =
    "sessions:signOut|:changePassword|:watch|accounts/.account.$|:delete|:disable|:end|:revoke|roles|:set";

#[tokio::test]
async fn the_platform_is_as_it_is_described() {
    let (system, desk) = (System::one(Engine::Sqlite, Folder::shop()).await, Desk::new());
    let document = desk.document_of(&system).await;
    let admin = system.user_with_role("admin@example.org", "mainstay.admin").await;
    let server = system.gateway.url();
    desk.tools.explore(&document, (&server, admin.token()), "^/(auth|data|.well-known)/", Some(NOT_ASKED));
}

#[tokio::test]
async fn buf_builds_the_contract_as_files_and_as_descriptors() {
    let system = System::one(Engine::Sqlite, Folder::sample()).await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    for name in ["contract.zip", "contract.binpb"] {
        let answer = system.http().get(&format!("/{name}")).await;
        fs::write(folder.path().join(name), &answer.body).expect("a file can be kept");
    }
    let mut unpack = Command::new("python3");
    unpack.args(["-m", "zipfile", "-e", "contract.zip", "protos"]).current_dir(&folder);
    assert!(unpack.status().expect("Python runs").success(), "the archive can be unpacked");
    let node = Node::with_packages_of(&sources());
    for input in ["protos", "contract.binpb"] {
        let built = node.program("buf").args(["build", input, "-o", "/dev/null"]).current_dir(&folder).output();
        let built = built.expect("buf runs");
        assert!(built.status.success(), "{input}: {}", String::from_utf8_lossy(&built.stderr));
    }
}

async fn a_typed_client_calls(system: System) {
    let desk = Desk::new();
    let document = desk.document_of(&system).await;
    system.user_with_role(MERCHANT, "merchant").await;
    let url = system.gateway.url();
    let environment = [("MAINSTAY_URL", url.as_str()), ("EMAIL", MERCHANT), ("PASSWORD", PASSWORD)];
    let printed = desk.tools.program("program.mts", &document, &environment);
    let expected = json!({
        "made": [200, "products/typed", "5"],
        "read": "Cup",
        "again": 304,
        "changed": 3,
        "stale": 412,
        "list": ["CUP-900"],
        "missing": [404, "RESOURCE_NOT_FOUND"],
    });
    assert_eq!(serde_json::from_str::<Value>(&printed).expect("it reports"), expected);
}

#[tokio::test]
async fn a_typed_client_calls_one_process_on_sqlite() {
    a_typed_client_calls(System::one(Engine::Sqlite, Folder::shop()).await).await;
}

#[tokio::test]
async fn a_typed_client_calls_three_processes_on_postgres() {
    a_typed_client_calls(System::three(Engine::Postgres, Folder::shop()).await).await;
}

/// Somebody looks around, signs in, lists, makes something, and follows a stream.
async fn the_page_shows_and_calls(system: System) {
    let merchant = system.user_with_role(MERCHANT, "merchant").await;
    let cup = json!({"sku": "CUP-100", "title": "Coffee cup"});
    merchant.post("/shop/v1/products?productId=cup", cup).await.ok();
    system.gateway.command(&["admin", "grant", MERCHANT, "mainstay.admin"]);
    let url = system.gateway.url();
    let expected = json!({
        "title": "Corner shop",
        "groups": ["shop.v1", "mainstay.auth.v1", "mainstay.data.v1"],
        "listed": ["200", "products/cup"],
        "focused": "search",
        "found": "POSTCreateProduct",
        "caller": MERCHANT,
        "created": ["200", "Made here"],
        "told": "The body is no JSON",
        "written": "text/event-stream",
        "event": "data: {\"revision\":\"1\"}",
        "follows": true,
        "stopped": true,
        "out": true,
        "again": MERCHANT,
        "createdAgain": "200",
    });
    assert_eq!(json!(seen("docs.js", &url, &[("EMAIL", MERCHANT), ("PASSWORD", PASSWORD)])), json!([expected]));
}

/// Calls the application something.
fn named(launch: Launch) -> Launch {
    launch.environment("MAINSTAY__GATEWAY__PAGES__APPLICATION", "Corner shop")
}

#[tokio::test]
async fn the_page_shows_and_calls_one_process_on_sqlite() {
    the_page_shows_and_calls(System::one_with(Engine::Sqlite, Folder::shop(), named).await).await;
}

#[tokio::test]
async fn the_page_shows_and_calls_three_processes_on_postgres() {
    the_page_shows_and_calls(System::three_with(Engine::Postgres, Folder::shop(), named).await).await;
}

#[tokio::test]
async fn nothing_is_described_where_the_setting_says_so() {
    let off = |launch: Launch| launch.environment("MAINSTAY__GATEWAY__DOCS", "false");
    let system = System::one_with(Engine::Sqlite, Folder::shop(), off).await;
    for path in ["/openapi.json", "/docs", "/docs/script.js", "/contract.binpb", "/contract.zip"] {
        let answer = system.http().send(Method::GET, path, None).await.expect("there is an answer");
        assert_eq!((answer.status, answer.word().as_str()), (404, "NOT_FOUND"), "{path}");
    }
}
