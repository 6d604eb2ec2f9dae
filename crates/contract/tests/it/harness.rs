//! Contracts for tests.

use std::path::{Path, PathBuf};

use mainstay_contract::{Contract, Diagnostics, Source, compile, read_folder};

/// Compiles one file, `shop/v1/test.proto`.
pub fn compile_text(text: &str) -> Result<Contract, Diagnostics> {
    compile(vec![Source { path: "shop/v1/test.proto".into(), text: text.into() }])
}

/// A file with the usual imports around `body`.
pub fn file(body: &str) -> String {
    format!("{HEADER}{body}")
}

/// The lines before the body of [`file`].
pub const HEADER: &str = r#"syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/api/client.proto";
import "google/api/field_behavior.proto";
import "google/api/field_info.proto";
import "google/api/resource.proto";
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "google/type/datetime.proto";
import "google/type/decimal.proto";
import "google/type/latlng.proto";
import "google/type/money.proto";
import "google/type/timeofday.proto";
import "mainstay/v1/options.proto";
"#;

/// A resource `Thing` that everybody may read and write, with these fields beside `name = 1`.
pub fn thing(fields: &str) -> String {
    file(&format!(
        r#"message Thing {{
  option (google.api.resource) = {{type: "shop.example.com/Thing" pattern: "things/{{thing}}"}};
  option (mainstay.v1.resource) = {{access {{read: "true" write: "true"}}}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  {fields}
}}
"#
    ))
}

/// The shop that tests share.
pub fn shop() -> Contract {
    compile(shop_sources()).unwrap_or_else(|problems| panic!("the shop compiles:\n{problems}"))
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Its files.
pub fn shop_sources() -> Vec<Source> {
    read_folder(&repository().join("tests/contracts/shop")).expect("the shop can be read")
}
