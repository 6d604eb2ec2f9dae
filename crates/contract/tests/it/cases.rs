//! Every file in `cases/` (or folder, for a contract of several files) is compiled; what is said of it is a snapshot.

use std::path::Path;

use mainstay_contract::{Source, compile, read_folder};

#[test]
fn each_case_gets_its_diagnostics() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases");
    let mut cases: Vec<_> =
        std::fs::read_dir(&folder).expect("there are cases").map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are there");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("cases_expected");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for case in cases {
            let name = case.file_stem().expect("a name").to_string_lossy().into_owned();
            insta::assert_snapshot!(name, said_of(&case));
        }
    });
}

fn said_of(case: &Path) -> String {
    let sources = if case.is_dir() {
        match read_folder(case) {
            Ok(sources) => sources,
            Err(problems) => return problems.to_string().replace(&case.display().to_string(), "CASE"),
        }
    } else {
        let text = std::fs::read_to_string(case).expect("a case is UTF-8");
        vec![Source { path: "shop/v1/test.proto".into(), text }]
    };
    match compile(sources) {
        Ok(contract) if contract.warnings.is_empty() => "no problem\n".to_owned(),
        Ok(contract) => contract.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Err(problems) => problems.to_string(),
    }
}
