//! Prints how long each plan takes: `cargo run -p mainstay-wire --release --example speed`.

use std::{hint::black_box, time::Instant};

use mainstay_record::{
    Column, JsonField, JsonMessage, JsonShape, Kind, Layout, NumberPath, Role, Template, TemplatePart, Value,
};
use mainstay_wire::{Plans, RecordPlan, frame};
use prost_reflect::{DescriptorPool, DynamicMessage, prost::Message};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

const PROTO: &str = r#"
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
message Post {
  string name = 1;
  string title = 2;
  string body = 3;
  Money price = 4;
  int32 stock = 5;
  repeated string tags = 6;
  google.protobuf.Timestamp create_time = 7;
  google.protobuf.Timestamp update_time = 8;
  repeated Line lines = 9;
  State state = 10;
  bool open = 11;
  double rating = 12;
  map<string, string> labels = 13;
  string etag = 14;
}
message Line { string product = 1; int64 quantity = 2; }
message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }
enum State { STATE_UNSPECIFIED = 0; DRAFT = 1; PUBLISHED = 2; }
message Page { repeated Post posts = 1; string next_page_token = 2; }
"#;

const JSON: &str = r#"{"name":"posts/0199a1c4-0000-7000-8000-0123456789ab","title":"A cup with a \"handle\" and a saucer","body":"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.","price":{"currencyCode":"EUR","units":"12","nanos":500000000},"stock":42,"tags":["kitchen","porcelain","white"],"createTime":"2026-11-21T10:11:12.123456Z","updateTime":"2026-11-21T10:11:12.654321Z","lines":[{"product":"products/cup","quantity":"3"},{"product":"products/saucer","quantity":"3"}],"state":"PUBLISHED","open":true,"rating":4.25,"labels":{"colour":"white"},"etag":"00065f3a1b2c3d4e"}"#;

struct Here;

impl FileResolver for Here {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == "post.proto" { File::from_source(name, PROTO) } else { Err(protox::Error::file_not_found(name)) }
    }
}

fn main() {
    let pool = pool();
    let plans = Plans::new(&pool);
    let post = plans.message("shop.v1.Post").expect("it is in the pool");
    let page = plans.message("shop.v1.Page").expect("it is in the pool");
    let mut wire = Vec::new();
    plans.from_json(post, JSON.as_bytes(), &mut wire, None).expect("the sample is valid");
    let mut list = Vec::new();
    (0..20).for_each(|_| frame::put_message(1, &wire, &mut list));
    let mut list_json = Vec::new();
    plans.to_json(page, &list, &mut list_json).expect("the sample is valid");
    println!("post {} B wire, {} B JSON; list {} B, {} B", wire.len(), JSON.len(), list.len(), list_json.len());

    let mut out = Vec::new();
    measure("post wire -> JSON", 200_000, || {
        out.clear();
        plans.to_json(post, black_box(&wire), &mut out).expect("valid");
    });
    measure("post JSON -> wire", 200_000, || {
        out.clear();
        plans.from_json(post, black_box(JSON.as_bytes()), &mut out, None).expect("valid");
    });
    measure("list of 20 wire -> JSON", 10_000, || {
        out.clear();
        plans.to_json(page, black_box(&list), &mut out).expect("valid");
    });
    measure("list of 20 JSON -> wire", 10_000, || {
        out.clear();
        plans.from_json(page, black_box(&list_json), &mut out, None).expect("valid");
    });
    let descriptor = pool.get_message_by_name("shop.v1.Post").expect("it is in the pool");
    records(&descriptor, &wire);
    measure("prost-reflect: post wire -> JSON", 20_000, || {
        let message = DynamicMessage::decode(descriptor.clone(), black_box(&wire[..])).expect("valid");
        black_box(serde_json::to_vec(&message).expect("valid"));
    });
    let _ = DynamicMessage::new(descriptor).encode_to_vec();
}

fn records(descriptor: &prost_reflect::MessageDescriptor, wire: &[u8]) {
    let name = Template { parts: vec![TemplatePart::Literal("posts/".into()), TemplatePart::Variable(0)] };
    let plan = RecordPlan::new(descriptor, &layout(), Some((1, name)), Some(14)).expect("the layout fits");
    let mut row = plan.decode(wire).expect("valid").values;
    row[0] = Value::Text("0199a1c4-0000-7000-8000-0123456789ab".into());
    row[1] = Value::Int(1_700_000_000_000_000);
    let mut out = Vec::with_capacity(1024);
    measure("post row -> wire", 200_000, || {
        out.clear();
        plan.encode(black_box(&row), &mut out).expect("valid");
    });
    measure("post wire -> row", 200_000, || {
        black_box(plan.decode(black_box(wire)).expect("valid"));
    });
}

fn measure(what: &str, times: u32, mut run: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let start = Instant::now();
        (0..times).for_each(|_| run());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(times));
    }
    println!("{what:36} {best:10.0} ns");
}

fn pool() -> DescriptorPool {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Here);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_file("post.proto").expect("the sample compiles");
    compiler.descriptor_pool()
}

fn layout() -> Layout {
    let line = JsonMessage {
        fields: ["product", "quantity"]
            .into_iter()
            .zip(1..)
            .map(|(key, number)| JsonField { number, key: key.to_owned(), message: None })
            .collect(),
    };
    let json = |messages| Role::Json(JsonShape { messages });
    let columns = [
        ("_id", vec![], Role::Key { variable: "post".into() }, Kind::Text, false),
        ("_revision", vec![], Role::Revision, Kind::Int, false),
        ("title", vec![2], Role::Field, Kind::Text, false),
        ("body", vec![3], Role::Field, Kind::Text, false),
        ("_has_price", vec![4], Role::Presence, Kind::Bool, false),
        ("price__currency_code", vec![4, 1], Role::Field, Kind::Text, false),
        ("price__units", vec![4, 2], Role::Field, Kind::Int, false),
        ("price__nanos", vec![4, 3], Role::Field, Kind::Int, false),
        ("stock", vec![5], Role::Field, Kind::Int, false),
        ("tags", vec![6], json(vec![]), Kind::Json, true),
        ("create_time", vec![7], Role::Field, Kind::Timestamp, true),
        ("update_time", vec![8], Role::Field, Kind::Timestamp, true),
        ("lines", vec![9], json(vec![line]), Kind::Json, true),
        ("state", vec![10], Role::Field, Kind::Int, false),
        ("open", vec![11], Role::Field, Kind::Bool, false),
        ("rating", vec![12], Role::Field, Kind::Double, false),
        ("labels", vec![13], json(vec![]), Kind::Json, true),
    ];
    let columns = columns.into_iter().map(|(name, path, role, kind, nullable)| Column {
        name: name.to_owned(),
        field: name.to_owned(),
        path: NumberPath(path),
        role,
        kind,
        nullable,
    });
    Layout { columns: columns.collect() }
}
