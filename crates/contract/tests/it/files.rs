//! How files may be written down.

use mainstay_contract::{Source, compile, read_folder};

use crate::harness::{file, thing};

fn source(text: String) -> Source {
    Source { path: "shop/v1/test.proto".into(), text }
}

#[test]
fn a_byte_order_mark_says_nothing() {
    let plain = compile(vec![source(thing(""))]).unwrap_or_else(|problems| panic!("{problems}"));
    let marked =
        compile(vec![source(format!("\u{feff}{}", thing("")))]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(marked.hash, plain.hash, "it is the same contract");
    assert_eq!(marked.sources, plain.sources, "and is stored without it");
}

#[test]
fn a_problem_behind_a_byte_order_mark_is_where_an_editor_shows_it() {
    let text = "syntax = \"proto3\"; package shop.v1; import \"none.proto\";\n";
    let place = |text: String| {
        let Err(problems) = compile(vec![source(text)]) else { panic!("it is taken") };
        problems.0.iter().map(|problem| (problem.line, problem.column, problem.message.clone())).collect::<Vec<_>>()
    };
    assert_eq!(place(format!("\u{feff}{text}")), place(text.to_owned()));
    let twice = place(format!("\u{feff}\u{feff}{text}"));
    assert_eq!((twice[0].0, twice[0].1), (1, 1), "{twice:?}");
}

#[test]
fn marked_files_can_be_read_from_a_folder_and_utf_16_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("a file");
    write("marked.proto", format!("\u{feff}{}", file("")).as_bytes());
    assert_eq!(read_folder(folder.path()).expect("UTF-8").len(), 1);
    for mark in [[0xff, 0xfe], [0xfe, 0xff]] {
        write("wide.proto", &[mark[0], mark[1], b's', 0]);
        let problems = read_folder(folder.path()).expect_err("UTF-16").to_string();
        assert!(problems.contains("the file is UTF-16") && problems.contains("save it as UTF-8"), "{problems}");
    }
}
