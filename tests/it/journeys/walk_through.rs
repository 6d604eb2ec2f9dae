//! The README's commands, run as they are printed.

use std::process::Command;

use mainstay_testkit::http::Http;
use mainstay_testkit::server::{Launch, Server, binary, free_port};
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use crate::support::readme::{Step, block, commands, readme, run};
use crate::support::{Folder, PASSWORD, repository};

/// The command by which the README starts this repository's binary.
const CARGO_RUN: &str = "cargo run --quiet --package mainstay --";

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

#[tokio::test]
async fn every_command_of_the_walk_through_prints_what_the_readme_says() {
    let (folder, server) = start().await;
    let banner = server.log();
    for line in ["seeded 44 records from var/shop/seed.json", "is ready in", "var/shop (7 resources, applied)"] {
        assert!(banner.contains(line), "{banner}");
    }
    assert!(banner.contains("var/mainstay (SQLite)"), "{banner}");
    // What the README shows of the plan is the beginning of it.
    let shown = block("what it made of a database that was empty before", "text");
    let (_, plan) = shown.split_once("contract applied:").expect("it shows a plan");
    let (plan, _) = plan.split_once('…').expect("and leaves the rest out");
    server.logged("contract applied:").await;
    assert!(server.log().contains(plan.trim()), "{plan}");

    let steps = run(&commands("<!-- walk-through"), &server.address());
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
    let category = &expanded["expanded"]["categories/cups"];
    assert_eq!(
        [&category["name"], &category["@type"]],
        ["categories/cups", "type.googleapis.com/shop.v1.Category"],
        "{expanded}"
    );
    assert!(category["title"]["en"].is_string() && category.get("parentCategory").is_none(), "{expanded}");
    let one = with(&["curl -s", "products/cup?expand="])[0].json();
    assert_eq!((&one["name"], &one["expanded"]["categories/cups"]), (&json!("products/cup"), category), "{one}");
    let page = with(&["curl -sG", "orderBy="])[0].json();
    let products = page["products"].as_array().expect("a page of products");
    assert_eq!(products.len(), 2);
    assert!(products.iter().all(|product| product["category"] == "categories/kitchen" && product["state"] == "LISTED"));
    assert!(products[0]["createTime"].as_str() >= products[1]["createTime"].as_str());
    assert!(page["nextPageToken"].as_str().is_some_and(|token| !token.is_empty()));
    let below = with(&["curl -sG", "variants.options"])[0].json();
    assert_eq!(
        (below["products"].as_array().map(Vec::len), &below["products"][0]["name"]),
        (Some(1), &json!("products/cup"))
    );
}

fn writing(with: &Find<'_>) {
    let account = with(&["accounts:signUp"])[0].json();
    assert_eq!(account["email"], "ada@example.org");
    assert_eq!(with(&["accounts/me"])[0].json(), account);
    for assignment in with(&["=$("]) {
        assert_eq!(assignment.output, "", "{}", assignment.command);
    }
    let cart = with(&["PATCH", "coupon"])[0].json();
    assert_eq!((&cart["state"], &cart["buyer"], &cart["total"]), (&json!("CART"), &account["uid"], &Value::Null));
    let updated = with(&["UpdateOrder"])[0].json();
    assert_eq!(
        (&updated["address"]["city"], &updated["coupon"]),
        (&json!("London"), &cart["coupon"]),
        "the mask names one field"
    );
    let placed = with(&[":place"])[0].json();
    // Two at 5.50, ten per cent off.
    let total = json!({"currencyCode": "EUR", "units": "9", "nanos": 900_000_000});
    assert_eq!(
        (&placed["state"], &placed["discountPercent"], &placed["total"]),
        (&json!("PLACED"), &json!(10), &total)
    );
    let cup = with(&["curl -s 127.0.0.1:8080/shop/v1/products/cup/variants/white"])[0].json();
    assert_eq!([&cup["onHand"], &cup["reserved"], &cup["available"]], [&json!(12), &json!(2), &json!(10)]);
    assert!(cup.get("cost").is_none(), "{cup}");
    let committed = with(&[":commit"])[0].json();
    assert_eq!(committed["results"][0]["order"]["state"], "CANCELLED", "{committed}");
    let next = &committed["results"][2]["order"];
    assert_eq!((&next["state"], &next["total"]["units"]), (&json!("PLACED"), &json!("53")), "{committed}");
    assert_eq!(with(&["lamp/reviews"])[0].json()["error"]["code"], 403);
    assert_eq!(with(&[":pay"])[0].json()["error"]["code"], 403);
    let anonymous = with(&["/shop/v1/orders -d"]).into_iter().find(|step| !step.command.contains("authorization"));
    assert_eq!(anonymous.expect("somebody buys without signing in").json()["error"]["code"], 401);
}

/// The command below the walk-through, as it is printed but for cargo.
async fn merchants_are_made(folder: &Folder, server: &Server) -> Http {
    let product = json!({"title": "Kite"});
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
        "string description = 3 [",
        "string details = 3 [(mainstay.v1.field) = {aliases: \"description\"}, ",
    );
    let http = server.http();
    let renamed = until("the new name is served", || async {
        let product = http.get("/shop/v1/products/cup").await.ok();
        (!product["details"].is_null()).then_some(product)
    });
    let product = renamed.await;
    assert_eq!((&product["details"], &product["description"]), (&json!("Holds a quarter of a litre."), &Value::Null));
    server.logged("rename field   shop.example.com/Product  description -> details").await;
    let log = server.log();
    let plan = log.rsplit("contract applied:").next().unwrap_or_default();
    assert_eq!(plan.matches("rename field").count(), 1, "{plan}");
    assert!(plan.contains("1 step") && !plan.contains("create"), "{plan}");
    let old_name = http.get("/shop/v1/products?filter=description%20%3D%20%22Holds*%22").await.ok();
    assert_eq!(old_name["products"][0]["name"], "products/cup", "the old name is still accepted on input");
}

/// The file that the README adds, in the folder that it names.
async fn a_resource_is_added(folder: &Folder, server: &Server, merchant: &Http) {
    folder.write("v1/voucher.proto", &block("## Add a resource", "proto"));
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
