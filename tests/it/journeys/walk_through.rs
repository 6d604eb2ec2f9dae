//! The README's commands, run as they are printed.

use std::process::{Command, Stdio};

use mainstay_testkit::http::Http;
use mainstay_testkit::server::{Launch, Server, binary, free_port};
use mainstay_testkit::tools::{grpcurl, must_have};
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use crate::support::{Folder, PASSWORD, repository};

const BEGIN: &str = "<!-- walk-through";
const END: &str = "<!-- /walk-through -->";

/// The command by which the README starts this repository's binary.
const CARGO_RUN: &str = "cargo run --quiet --package mainstay --";

/// Stands before the output of each command, with the command's number.
const MARK: &str = "@@command";

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).expect("the README is there")
}

/// The commands between the markers, one a line.
fn commands(readme: &str) -> Vec<String> {
    let (_, rest) = readme.split_once(BEGIN).expect("the walk-through begins");
    let (section, _) = rest.split_once(END).expect("the walk-through ends");
    let (_, block) = section.split_once("```sh\n").expect("the walk-through is a block of shell");
    let (block, _) = block.split_once("```").expect("the block ends");
    let lines = block.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// What `make run` passes to the binary after `serve`.
fn make_run() -> Vec<String> {
    let makefile = std::fs::read_to_string(repository().join("Makefile")).expect("the Makefile is there");
    let (_, line) = makefile.split_once("--package mainstay -- serve ").expect("`make run` serves");
    let line = line.lines().next().unwrap_or_default();
    line.split_whitespace().filter(|word| !word.starts_with('$')).map(str::to_owned).collect()
}

/// Starts what `make run` starts, in a folder that looks like the repository.
async fn start() -> (Folder, Server) {
    let folder = Folder::sample();
    let launch = Launch::new(folder.path()).without("MAINSTAY__DATA_DIR").port(free_port()).arguments(make_run());
    let server = launch.start().await;
    (folder, server)
}

/// A command and what it printed.
struct Step {
    command: String,
    output: String,
}

impl Step {
    fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{}: {error}: {}", self.command, self.output))
    }
}

/// Runs all commands in one shell.
fn run(commands: &[String], port: &str) -> Vec<Step> {
    let tools = grpcurl().parent().expect("a program is in a folder").to_owned();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let script: String = commands
        .iter()
        .enumerate()
        .map(|(number, command)| format!("echo '{MARK}{number}'\n{}\necho\n", command.replace("8080", port)))
        .collect();
    let output = Command::new(must_have("bash"))
        .args(["-u", "-c", &script])
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .expect("the shell runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outputs = text.split(MARK).skip(1).map(|part| part.split_once('\n').map_or("", |(_, output)| output.trim()));
    let steps: Vec<Step> = commands
        .iter()
        .zip(outputs)
        .map(|(command, output)| Step { command: command.clone(), output: output.to_owned() })
        .collect();
    assert_eq!(steps.len(), commands.len(), "the shell ended early:\n{text}");
    steps
}

#[tokio::test]
async fn every_command_of_the_walk_through_prints_what_the_readme_says() {
    let (folder, server) = start().await;
    must_have("curl");
    must_have("jq");
    let banner = server.log();
    for line in ["seeded 18 records from var/shop/seed.json", "is ready in", "var/shop (4 resources, applied)"] {
        assert!(banner.contains(line), "{banner}");
    }
    assert!(banner.contains("var/mainstay (SQLite)"), "{banner}");

    let port = server.address().rsplit(':').next().unwrap_or_default().to_owned();
    let steps = run(&commands(&readme()), &port);
    let with = |words: &[&str]| -> Vec<&Step> {
        let found: Vec<&Step> =
            steps.iter().filter(|step| words.iter().all(|word| step.command.contains(word))).collect();
        assert!(!found.is_empty(), "no command has {words:?}");
        found
    };
    discovery(&with);
    reading(&with);
    writing(&with);

    let merchant = merchants_are_made(&folder, &server).await;
    a_field_is_renamed(&folder, &server).await;
    a_resource_is_added(&folder, &server, &merchant).await;
}

type Find<'a> = dyn Fn(&[&str]) -> Vec<&'a Step> + 'a;

fn discovery(with: &Find<'_>) {
    let listed = &with(&["grpcurl", " list"])[0].output;
    for service in
        ["shop.v1.ProductService", "shop.v1.ReviewService", "shop.v1.OrderService", "mainstay.auth.v1.SessionService"]
    {
        assert!(listed.lines().any(|line| line == service), "{listed}");
    }
    let described = &with(&["grpcurl", " describe shop.v1.ProductService"])[0].output;
    for method in ["GetProduct", "ListProducts", "CreateProduct", "UpdateProduct", "DeleteProduct"] {
        assert!(described.contains(&format!("rpc {method} ")), "{described}");
    }
}

fn reading(with: &Find<'_>) {
    let rest = with(&["curl -s ", "/products/cup"])[0].json();
    assert_eq!(rest["title"], "Coffee cup");
    assert_eq!(with(&["grpcurl", "GetProduct"])[0].json(), rest, "all protocols say the same");
    assert_eq!(with(&["curl -s ", "ProductService/GetProduct"])[0].json(), rest, "all protocols say the same");
    let expanded = with(&["curl -sG", "expand="])[0].json();
    let product = &expanded["expanded"]["products/cup"];
    assert_eq!(
        [&product["name"], &product["@type"]],
        ["products/cup", "type.googleapis.com/shop.v1.Product"],
        "{expanded}"
    );
    assert!(product["title"].is_string() && product.get("category").is_none(), "{expanded}");
    let one = with(&["curl -s", "reviews/first?expand="])[0].json();
    assert_eq!((&one["name"], &one["expanded"]["products/cup"]), (&json!("reviews/first"), product), "{one}");
    let page = with(&["curl -sG", "filter="])[0].json();
    let products = page["products"].as_array().expect("a page of products");
    assert_eq!(products.len(), 2);
    assert!(products.iter().all(|product| product["category"] == "kitchen" && product["stock"].as_i64() > Some(0)));
    assert!(products[0]["createTime"].as_str() >= products[1]["createTime"].as_str());
    assert!(page["nextPageToken"].as_str().is_some_and(|token| !token.is_empty()));
}

fn writing(with: &Find<'_>) {
    let account = with(&["accounts:signUp"])[0].json();
    assert_eq!(account["email"], "ada@example.org");
    assert_eq!(with(&["accounts/me"])[0].json(), account);
    for assignment in with(&["=$("]) {
        assert_eq!(assignment.output, "", "{}", assignment.command);
    }
    let review = with(&["PATCH", "stars"])[0].json();
    assert_eq!((&review["stars"], &review["author"]), (&json!(5), &account["uid"]));
    let updated = with(&["UpdateReview"])[0].json();
    assert_eq!((&updated["stars"], &updated["text"]), (&json!(5), &json!("Still holds.")), "the mask names one field");
    let committed = with(&[":commit"])[0].json();
    assert_eq!(committed["results"][0]["order"]["buyer"], account["uid"], "{committed}");
    assert_eq!(committed["results"][1]["review"]["stars"], 4, "one less than five");
    assert_eq!(with(&["DELETE", "reviews/first"])[0].json()["error"]["code"], 403);
    let anonymous = with(&["/shop/v1/reviews -d"]).into_iter().find(|step| !step.command.contains("authorization"));
    assert_eq!(anonymous.expect("somebody writes without signing in").json()["error"]["code"], 401);
    assert_eq!(with(&["DELETE", "$REVIEW"])[0].json(), json!({}));
}

/// The command below the walk-through, as it is printed but for cargo.
async fn merchants_are_made(folder: &Folder, server: &Server) -> Http {
    let product = json!({"sku": "TOY-100", "title": "Kite"});
    let session = json!({"email": "ada@example.org", "password": PASSWORD});
    let sign_in = || async {
        let answer = server.http().post("/auth/v1/sessions:signIn", session.clone()).await.ok();
        server.http().with_token(answer["accessToken"].as_str().unwrap_or_default())
    };
    sign_in().await.post("/shop/v1/products", product.clone()).await.refusal(403, "PERMISSION_DENIED");
    let readme = readme();
    let grant = readme.lines().find_map(|line| line.strip_prefix(CARGO_RUN)).expect("the README grants a role");
    let output = Command::new(binary()).args(grant.split_whitespace()).current_dir(folder.path()).output();
    let output = output.expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let merchant = sign_in().await;
    let created = merchant.post("/shop/v1/products?productId=kite", product).await.ok();
    assert_eq!(created["name"], "products/kite");
    merchant
}

/// What the README says after that.
async fn a_field_is_renamed(folder: &Folder, server: &Server) {
    folder.change(
        "v1/product.proto",
        "string title = 3 [(mainstay.v1.field) = {aliases: \"label\"}",
        "string headline = 3 [(mainstay.v1.field) = {aliases: [\"label\", \"title\"]}",
    );
    let http = server.http();
    let renamed = until("the new name is served", || async {
        let product = http.get("/shop/v1/products/cup").await.ok();
        (!product["headline"].is_null()).then_some(product)
    });
    let product = renamed.await;
    assert_eq!((&product["headline"], &product["title"]), (&json!("Coffee cup"), &Value::Null));
    server.logged("rename field   shop.example.com/Product  title -> headline").await;
    let log = server.log();
    let plan = log.rsplit("contract applied:").next().unwrap_or_default();
    assert_eq!(plan.matches("rename field").count(), 1, "{plan}");
    assert!(plan.contains("1 step") && !plan.contains("create"), "{plan}");
    let old_name = http.get("/shop/v1/products?filter=title%20%3D%20%22Kite%22").await.ok();
    assert_eq!(old_name["products"][0]["headline"], "Kite", "the old name is still accepted on input");
}

/// The file that the README adds, in the folder that it names.
async fn a_resource_is_added(folder: &Folder, server: &Server, merchant: &Http) {
    let readme = readme();
    let (_, section) = readme.split_once("## Add a resource").expect("the README adds a resource");
    let (_, block) = section.split_once("```proto\n").expect("the resource is a block of protobuf");
    let (file, _) = block.split_once("```").expect("the block ends");
    folder.write("v1/voucher.proto", file);
    server.logged("add resource   shop.example.com/Voucher").await;
    let voucher = json!({"owner": "somebody", "percent": 10});
    let created = until("the new resource is served", || async {
        let answer = merchant.post("/shop/v1/vouchers", voucher.clone()).await;
        (answer.status == 200).then(|| answer.ok())
    });
    let name = created.await["name"].as_str().expect("a voucher has a name").to_owned();
    let read = merchant.get(&format!("/shop/v1/{name}")).await.ok();
    assert_eq!(read["percent"], 10, "who writes vouchers reads them, too");
}
