//! The requests that Mainstay is sent: the same ones where they are timed and where they are counted.

use serde_json::{Value as Json, json};

use crate::load::Work;
use crate::peer::mainstay::GET;
use crate::records;

/// How many records the requests are about.
pub const RECORDS: usize = 1_000;

const PRODUCTS: &str = "/bench/v1/products";

/// Gets of a thousand records of a collection.
pub fn get(collection: &str) -> Work {
    Work::Get { paths: paths(|index| format!("/bench/v1/{collection}/{}", records::id(index))) }
}

/// The same gets of products over gRPC-Web.
pub fn get_over_grpc_web() -> Work {
    ask("application/grpc-web+proto", |name| {
        let message = get_message(name);
        // The frame's head: not compressed, and the length, of which the last byte is enough.
        format!("\0\0\0\0{}{message}", char::from(u8::try_from(message.len()).unwrap_or(0)))
    })
}

/// The same gets of products over Connect, in protobuf.
pub fn get_over_connect() -> Work {
    ask("application/proto", get_message)
}

/// The same gets of products over Connect, in JSON.
pub fn get_over_connect_json() -> Work {
    ask("application/json", |name| format!(r#"{{"name":"{name}"}}"#))
}

fn ask(content_type: &str, body: impl Fn(&str) -> String) -> Work {
    let bodies = paths(|index| body(&format!("products/{}", records::id(index))));
    Work::Ask { path: GET.into(), content_type: content_type.into(), bodies }
}

/// A GetRequest for a name: field 1, a string. It is ASCII, its lengths too.
pub fn get_message(name: &str) -> String {
    format!("\n{}{name}", char::from(u8::try_from(name.len()).unwrap_or(0)))
}

/// The first page of each category, in the order of its index.
pub fn list() -> Work {
    Work::Get {
        paths: paths(|index| {
            let category = index % records::CATEGORIES;
            format!("{PRODUCTS}?pageSize=20&orderBy=rank%20desc&filter=category%3D%22category-{category}%22")
        }),
    }
}

/// A page that no index helps with, of as many records as one may have.
pub fn long_list() -> Work {
    Work::Get { paths: vec![format!("{PRODUCTS}?pageSize=1000&filter=stock%20%3E%2050&orderBy=title")] }
}

/// Creates of records with ids of the server's choice.
pub fn create() -> Work {
    post(PRODUCTS)
}

/// The same, each of them safe to repeat (AIP-155).
pub fn create_with_request_id() -> Work {
    post(&format!("{PRODUCTS}?requestId={{uuid}}"))
}

/// Creates with the body that everybody is sent.
pub fn post(path: &str) -> Work {
    send("POST", vec![path.into()], vec![new_product().to_string()])
}

/// Creates of as many records at once.
pub fn create_in_batches_of(records: usize) -> Work {
    let requests = vec![json!({"product": new_product()}); records];
    send("POST", vec![format!("{PRODUCTS}:batchCreate")], vec![json!({"requests": requests}).to_string()])
}

/// Changes of one field of a thousand records.
pub fn update() -> Work {
    let paths = paths(|index| format!("{PRODUCTS}/{}", records::id(index)));
    send("PATCH", paths, vec![json!({"title": NEW_TITLE}).to_string()])
}

/// Orders of five lines that are placed, with all that this brings with it.
pub fn place() -> Work {
    send("POST", paths(|index| format!("/bench/v1/orders/{}:place", records::id(index))), vec!["{}".into()])
}

/// The same changes of two records at a time, both or neither.
pub fn commit_of_two_updates() -> Work {
    let write = |index| {
        let product = json!({"name": format!("products/{}", records::id(index)), "title": NEW_TITLE});
        json!({"updateProduct": {"product": product, "updateMask": "title"}})
    };
    let bodies = paths(|index| json!({"writes": [write(index), write((index + 1) % RECORDS)]}).to_string());
    send("POST", vec!["/bench/v1:commit".into()], bodies)
}

const NEW_TITLE: &str = "A product that is now called {n}";

fn new_product() -> Json {
    let mut fields = records::fields(0);
    fields["sku"] = "SKU-{n}".into();
    fields
}

fn send(method: &str, paths: Vec<String>, bodies: Vec<String>) -> Work {
    Work::Send { method: method.into(), paths, bodies }
}

/// A path for each of a thousand records.
pub fn paths(path: impl Fn(usize) -> String) -> Vec<String> {
    (0..RECORDS).map(path).collect()
}
