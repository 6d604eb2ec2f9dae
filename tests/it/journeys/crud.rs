//! The same journey over gRPC and over REST, on one process and on three.

use mainstay_testkit::tools::{Grpcurl, curl};
use serde_json::{Value, json};

use crate::support::{Folder, System};

const SERVICE: &str = "shop.v1.ProductService";

/// gRPC's name of a code, the HTTP status and the status word of a refusal.
const UNAUTHENTICATED: (&str, u16, &str) = ("Unauthenticated", 401, "UNAUTHENTICATED");
const PERMISSION_DENIED: (&str, u16, &str) = ("PermissionDenied", 403, "PERMISSION_DENIED");
const NOT_FOUND: (&str, u16, &str) = ("NotFound", 404, "NOT_FOUND");

mainstay_testkit::both_engines! {
    async fn a_client_creates_reads_lists_updates_and_deletes_on_one_process(engine: Engine) {
        Box::pin(journey(System::one(engine, Folder::shop()).await)).await;
    }

    async fn a_client_creates_reads_lists_updates_and_deletes_on_three_processes(engine: Engine) {
        Box::pin(journey(System::three(engine, Folder::shop()).await)).await;
    }
}

async fn journey(system: System) {
    let merchant = system.user_with_role("merchant@example.org", "merchant").await;
    let user = system.user("user@example.org").await;
    the_contract_is_described(&system.grpc());
    by_grpcurl(&system.grpc().with_token(merchant.token()));
    by_curl(&system, merchant.token());
    refused_alike(&system, merchant.token(), user.token());
    somebody_elses_order_looks_absent(&system, user.token(), merchant.token());
}

fn the_contract_is_described(grpc: &Grpcurl) {
    let listed = grpc.list();
    for service in
        ["mainstay.auth.v1.AccountService", "mainstay.auth.v1.SessionService", SERVICE, "shop.v1.OrderService"]
    {
        assert!(listed.iter().any(|name| name == service), "{listed:?}");
    }
    let described = grpc.describe(SERVICE);
    assert!(
        described.contains("rpc UpdateProduct ( .shop.v1.UpdateProductRequest ) returns ( .shop.v1.Product )"),
        "{described}"
    );
    assert!(grpc.describe("shop.v1.Product").contains("google.type.Money price = 4"));
}

fn product(number: u32) -> Value {
    json!({"sku": format!("TOY-{number}"), "title": format!("Toy {number}"), "stock": number, "category": "toys",
           "price": {"currencyCode": "EUR", "units": "3", "nanos": 500_000_000}})
}

fn by_grpcurl(grpc: &Grpcurl) {
    let call = |method: &str, request: Value| {
        grpc.call(&format!("{SERVICE}/{method}"), &request).unwrap_or_else(|refusal| panic!("{method}: {refusal:?}"))
    };
    for number in 100..105 {
        let created = call("CreateProduct", json!({"product": product(number), "product_id": format!("toy-{number}")}));
        assert_eq!(created["name"], format!("products/toy-{number}"));
    }
    let got = call("GetProduct", json!({"name": "products/toy-103"}));
    assert_eq!(
        (&got["title"], &got["stock"], &got["price"]["nanos"]),
        (&json!("Toy 103"), &json!(103), &json!(500_000_000))
    );

    let list = |token: &Value| {
        call(
            "ListProducts",
            json!({"filter": "stock > 100 AND category = \"toys\"", "order_by": "stock desc", "page_size": 3, "page_token": token}),
        )
    };
    let first = list(&json!(""));
    assert_eq!(stocks(&first), [104, 103, 102]);
    let second = list(&first["nextPageToken"]);
    assert_eq!((stocks(&second), &second["nextPageToken"]), (vec![101], &Value::Null));

    let changed = call(
        "UpdateProduct",
        json!({
            "product": {"name": "products/toy-103", "title": "Top", "stock": 1}, "update_mask": {"paths": ["title"]},
        }),
    );
    assert_eq!((&changed["title"], &changed["stock"]), (&json!("Top"), &json!(103)), "only what the mask names");
    for number in 100..105 {
        assert_eq!(call("DeleteProduct", json!({"name": format!("products/toy-{number}")})), json!({}));
    }
    let gone = grpc.call(&format!("{SERVICE}/GetProduct"), &json!({"name": "products/toy-103"}));
    assert_eq!(gone.map_err(|refusal| refusal.code), Err("NotFound".to_owned()));
}

fn stocks(page: &Value) -> Vec<i64> {
    page["products"].as_array().into_iter().flatten().filter_map(|product| product["stock"].as_i64()).collect()
}

fn by_curl(system: &System, token: &str) {
    let url = |path: &str| format!("{}/shop/v1/{path}", system.gateway.url());
    let header = format!("authorization: Bearer {token}");
    let ok = |arguments: &[&str]| {
        let (status, body) = curl(&[&["-H", header.as_str()], arguments].concat());
        assert_eq!(status, 200, "{arguments:?}: {body}");
        body
    };
    for number in 100..105 {
        let created = ok(&[&url(&format!("products?productId=toy-{number}")), "-d", &product(number).to_string()]);
        assert_eq!(created["name"], format!("products/toy-{number}"));
    }
    assert_eq!(ok(&[&url("products/toy-103")])["title"], "Toy 103");
    let list = |token: &str| {
        ok(&[
            "-G",
            &url("products"),
            "--data-urlencode",
            "filter=stock > 100 AND category = \"toys\"",
            "--data-urlencode",
            "orderBy=stock desc",
            "--data-urlencode",
            "pageSize=3",
            "--data-urlencode",
            &format!("pageToken={token}"),
        ])
    };
    let first = list("");
    assert_eq!(stocks(&first), [104, 103, 102]);
    let second = list(first["nextPageToken"].as_str().expect("there is another page"));
    assert_eq!((stocks(&second), &second["nextPageToken"]), (vec![101], &Value::Null));

    let change = json!({"title": "Top", "stock": 1}).to_string();
    let changed = ok(&["-X", "PATCH", &url("products/toy-103?updateMask=title"), "-d", &change]);
    assert_eq!((&changed["title"], &changed["stock"]), (&json!("Top"), &json!(103)), "only what the mask names");
    let changed = ok(&["-X", "PATCH", &url("products/toy-103"), "-d", &json!({"stock": 2}).to_string()]);
    assert_eq!((&changed["title"], &changed["stock"]), (&json!("Top"), &json!(2)), "what is there is the mask");
    for number in 101..105 {
        assert_eq!(ok(&["-X", "DELETE", &url(&format!("products/toy-{number}"))]), json!({}));
    }
    let (status, body) = curl(&[&url("products/toy-103")]);
    assert_eq!((status, &body["error"]["status"]), (404, &json!("NOT_FOUND")));
    // `products/toy-100` stays for those who may not touch it.
}

/// Every write that the rule forbids is refused in the same words over both protocols, and changes nothing.
fn refused_alike(system: &System, merchant: &str, user: &str) {
    let url = |path: &str| format!("{}/shop/v1/{path}", system.gateway.url());
    let before = curl(&[&url("products/toy-100")]).1;
    let body = product(200).to_string();
    let writes: [(&str, Value, Vec<String>); 3] = [
        ("CreateProduct", json!({"product": product(200)}), vec![url("products"), "-d".into(), body]),
        (
            "UpdateProduct",
            json!({"product": {"name": "products/toy-100", "title": "Mine"}, "update_mask": {"paths": ["title"]}}),
            vec![
                "-X".into(),
                "PATCH".into(),
                url("products/toy-100"),
                "-d".into(),
                json!({"title": "Mine"}).to_string(),
            ],
        ),
        (
            "DeleteProduct",
            json!({"name": "products/toy-100"}),
            vec!["-X".into(), "DELETE".into(), url("products/toy-100")],
        ),
    ];
    for (method, request, arguments) in &writes {
        for (token, expected) in [(None, UNAUTHENTICATED), (Some(user), PERMISSION_DENIED)] {
            both_refuse(system, token, (method, request), arguments, expected);
        }
    }
    assert_eq!(curl(&[&url("products/toy-100")]).1, before);
    let forged = format!("{}x", &merchant[..merchant.len() - 1]);
    both_refuse(system, Some(&forged), ("DeleteProduct", &writes[2].1), &writes[2].2, UNAUTHENTICATED);
}

fn both_refuse(
    system: &System,
    token: Option<&str>,
    (method, request): (&str, &Value),
    arguments: &[String],
    (code, status, word): (&str, u16, &str),
) {
    let service = match method {
        method if method.contains("Order") => "shop.v1.OrderService",
        _ => SERVICE,
    };
    let grpc = token.map_or_else(|| system.grpc(), |token| system.grpc().with_token(token));
    let refusal = grpc.call(&format!("{service}/{method}"), request).expect_err("the call is refused");
    let header = token.map(|token| format!("authorization: Bearer {token}"));
    let mut all: Vec<&str> = header.iter().flat_map(|header| ["-H", header.as_str()]).collect();
    all.extend(arguments.iter().map(String::as_str));
    let (got, body) = curl(&all);
    assert_eq!(
        (refusal.code.as_str(), got, body["error"]["status"].as_str()),
        (code, status, Some(word)),
        "{method}: {body}"
    );
    assert_eq!(body["error"]["message"], refusal.message, "{method}: the same words");
}

/// A row that the caller may not read is not found, in the words of one that is not there.
fn somebody_elses_order_looks_absent(system: &System, buyer: &str, other: &str) {
    let order = json!({"order": {"lines": [{"product": "products/toy-100", "quantity": 2}]}, "order_id": "hers"});
    let created = system.grpc().with_token(buyer).call("shop.v1.OrderService/CreateOrder", &order);
    assert_eq!(created.map(|order| order["state"].clone()), Ok(json!("CART")));
    for id in ["hers", "nobodys"] {
        let url = format!("{}/shop/v1/orders/{id}", system.gateway.url());
        let request = json!({"name": format!("orders/{id}")});
        both_refuse(system, Some(other), ("GetOrder", &request), std::slice::from_ref(&url), NOT_FOUND);
        both_refuse(system, Some(other), ("DeleteOrder", &request), &["-X".into(), "DELETE".into(), url], NOT_FOUND);
    }
    let page = system.grpc().with_token(other).call("shop.v1.OrderService/ListOrders", &json!({}));
    assert_eq!(page, Ok(json!({})));
}
