//! What other tools get.

use std::collections::BTreeSet;

use mainstay_contract::export;

use crate::harness::{compile_text, shop, thing};

#[test]
fn what_is_exported_compiles_by_itself() {
    for contract in [shop(), compile_text(&thing("")).unwrap_or_else(|problems| panic!("{problems}"))] {
        let folder = tempfile::tempdir().expect("a folder");
        let files = export(&contract);
        for file in &files {
            let path = folder.path().join(&file.path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            std::fs::write(path, &file.text).expect("a file can be written");
        }
        let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths.len(), files.len(), "each file once");
        for needed in
            ["google/api/resource.proto", "mainstay/v1/options.proto", "mainstay/auth/v1/session_service.proto"]
        {
            assert!(paths.contains(needed), "{paths:?}");
        }
        for other in ["google/protobuf/descriptor.proto", "google/type/color.proto", "mainstay/data/v1/contract.proto"]
        {
            assert!(!paths.contains(other), "{paths:?}");
        }
        let pool = protox::compile(paths, [folder.path()]).expect("it compiles");
        let services: BTreeSet<String> = pool
            .file
            .iter()
            .flat_map(|file| file.service.iter().map(move |service| format!("{}.{}", file.package(), service.name())))
            .collect();
        for service in
            ["mainstay.auth.v1.SessionService", "mainstay.auth.v1.AccountService", "mainstay.auth.hook.v1.HookService"]
        {
            assert!(services.contains(service), "{services:?}");
        }
        assert!(contract.methods.iter().all(|method| services.contains(&method.service)), "{services:?}");
    }
}

#[test]
fn what_is_not_supported_is_not_described_as_if_it_were() {
    let files = shop().derived;
    for field in ["search"] {
        let mut found = 0;
        for file in &files {
            let lines: Vec<&str> = file.text.lines().collect();
            for pair in lines.windows(2).filter(|pair| pair[1].contains(&format!(" {field} = "))) {
                assert!(pair[0].contains("Not supported yet"), "{}: {field}: {}", file.path, pair[0]);
                found += 1;
            }
        }
        assert!(found > 0, "{field} is there");
    }
}
