//! The exported service in `protos` is what the contract says.

use std::path::Path;

use mainstay_contract::{compile, export, read_folder};

#[test]
fn the_exported_service_is_as_the_contract_has_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = read_folder(&here.join("../../contracts/pricing")).expect("the contract is there");
    let contract = compile(sources).expect("the contract is sound");
    let path = "catalog/v1/product_service.proto";
    let written = std::fs::read_to_string(here.join("protos").join(path)).expect("the service was exported");
    let exported = export(&contract).into_iter().find(|source| source.path == path).expect("it is exported").text;
    assert_eq!(written, exported, "`mainstay contract export tests/contracts/pricing` says what it is now");
}
