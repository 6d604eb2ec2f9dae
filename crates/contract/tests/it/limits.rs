//! Every limit is enforced, with a message that names it.

use mainstay_contract::{
    MAX_COLUMNS, MAX_DIAGNOSTICS, MAX_FILE_BYTES, MAX_FILES, MAX_FOLDER_DEPTH, MAX_IMPORT_DEPTH, MAX_INDEX_COLUMNS,
    MAX_INDEXES, MAX_JSON_DEPTH, MAX_MESSAGE_DEPTH, MAX_PATTERN_VARIABLES, MAX_PURGE_AFTER_HOURS, MAX_TOTAL_BYTES,
    Severity, Source, compile, compile_applied, read_folder,
};

use crate::harness::{compile_text, file, thing};

fn problems(text: &str) -> String {
    compile_text(text).err().map(|problems| problems.to_string()).unwrap_or_default()
}

fn source(path: String, text: String) -> Source {
    Source { path, text }
}

#[test]
fn a_contract_has_a_bounded_number_of_files() {
    let files = (0..=MAX_FILES).map(|i| source(format!("f{i}.proto"), String::new())).collect();
    let said = compile(files).expect_err("too many files").to_string();
    assert!(said.contains(&format!("more than {MAX_FILES} files")), "{said}");
}

#[test]
fn a_file_has_a_bounded_length() {
    let said = problems(&" ".repeat(MAX_FILE_BYTES + 1));
    assert!(said.contains(&format!("at most {MAX_FILE_BYTES} are read")), "{said}");
}

#[test]
fn all_files_together_have_a_bounded_length() {
    let count = MAX_TOTAL_BYTES / MAX_FILE_BYTES + 1;
    let files = (0..count).map(|i| source(format!("f{i}.proto"), " ".repeat(MAX_FILE_BYTES))).collect();
    let said = compile(files).expect_err("too long").to_string();
    assert!(said.contains(&format!("longer than {MAX_TOTAL_BYTES} bytes")), "{said}");
}

#[test]
fn no_file_at_all_is_said() {
    assert!(compile(Vec::new()).expect_err("nothing").to_string().contains("has no file"));
}

#[test]
fn imports_lead_only_so_deep() {
    let text = |i: usize| match i {
        0 => "syntax = \"proto3\";\n".to_owned(),
        i => format!("syntax = \"proto3\";\nimport \"f{}.proto\";\n", i - 1),
    };
    let files = (0..=MAX_IMPORT_DEPTH + 1).rev().map(|i| source(format!("f{i:03}.proto"), text(i))).collect::<Vec<_>>();
    let files = files.into_iter().map(|file| Source { path: file.path.replace("f0", "f").replace("f0", "f"), ..file });
    // The file that is visited first imports all others: it must sort before them.
    let files = files.map(|file| match file.path.as_str() {
        path if path == format!("f{}.proto", MAX_IMPORT_DEPTH + 1) => Source { path: "a.proto".into(), ..file },
        _ => file,
    });
    let said = compile(files.collect()).expect_err("too deep").to_string();
    assert!(said.contains(&format!("more than {MAX_IMPORT_DEPTH} files deep")), "{said}");
}

#[test]
fn a_folder_lies_only_so_deep() {
    let dir = tempfile::tempdir().expect("a folder");
    let deep = (0..=MAX_FOLDER_DEPTH).fold(dir.path().to_path_buf(), |path, i| path.join(format!("d{i}")));
    std::fs::create_dir_all(&deep).expect("deep folders");
    std::fs::write(deep.join("a.proto"), "syntax = \"proto3\";").expect("a file");
    let said = read_folder(dir.path()).expect_err("too deep").to_string();
    assert!(said.contains(&format!("more than {MAX_FOLDER_DEPTH} folders deep")), "{said}");
}

#[test]
fn a_missing_folder_is_named() {
    let said = read_folder(std::path::Path::new("no/such/folder")).expect_err("no folder").to_string();
    assert!(said.contains("the contract folder no/such/folder does not exist"), "{said}");
}

#[test]
fn a_table_has_a_bounded_number_of_columns() {
    let fields: String = (2..=MAX_COLUMNS + 2).map(|i| format!("string f{i} = {i};\n")).collect();
    assert!(problems(&thing(&fields)).contains(&format!("more than {MAX_COLUMNS} columns")));
}

#[test]
fn messages_that_multiply_end_at_the_same_limit() {
    let mut text = thing("M0 m = 2;");
    for level in 0..10 {
        let fields: String = (1..=10).map(|i| format!("M{} f{i} = {i};", level + 1)).collect();
        text += &format!("message M{level} {{ {fields} }}\n");
    }
    text += "message M10 { string leaf = 1; }\n";
    assert!(problems(&text).contains(&format!("more than {MAX_COLUMNS} columns")));
    // Inside JSON each message counts once.
    assert_eq!(problems(&text.replace("M0 m = 2;", "repeated M0 m = 2;")), "");
}

#[test]
fn messages_lie_only_so_deep_in_columns() {
    let mut text = thing("M0 m = 2;");
    for level in 0..=MAX_MESSAGE_DEPTH {
        text += &format!("message M{level} {{ M{} m = 1; }}\n", level + 1);
    }
    text += &format!("message M{} {{ string leaf = 1; }}\n", MAX_MESSAGE_DEPTH + 1);
    assert!(problems(&text).contains(&format!("more than {MAX_MESSAGE_DEPTH} deep")));
}

#[test]
fn a_pattern_has_a_bounded_number_of_variables() {
    let pattern: Vec<String> = (0..=MAX_PATTERN_VARIABLES).map(|i| format!("c{i}/{{v{i}}}")).collect();
    let text = thing("").replace("things/{thing}", &pattern.join("/"));
    assert!(problems(&text).contains(&format!("more than {MAX_PATTERN_VARIABLES} variables")));
}

#[test]
fn a_resource_has_a_bounded_number_of_indexes() {
    let fields: String = (2..40).map(|i| format!("string f{i} = {i};\n")).collect();
    let indexes = |count: usize| (2..count + 2).map(|i| format!(" index {{fields: \"f{i}\"}}")).collect::<String>();
    let text = |indexes: &str| thing(&fields).replace("write: \"true\"}", &format!("write: \"true\"}}{indexes}"));
    assert_eq!(problems(&text(&indexes(MAX_INDEXES))), "");
    assert!(problems(&text(&indexes(MAX_INDEXES + 1))).contains(&format!("more than {MAX_INDEXES} indexes")));
    let wide: String = (2..=MAX_INDEX_COLUMNS + 2).map(|i| format!(" fields: \"f{i}\"")).collect();
    assert!(problems(&text(&format!(" index {{{wide}}}"))).contains(&format!("more than {MAX_INDEX_COLUMNS} columns")));
}

#[test]
fn a_deleted_row_is_kept_for_a_hundred_years_or_for_ever() {
    let kept = |after: &str| {
        let text = thing("google.protobuf.Timestamp delete_time = 2; google.protobuf.Timestamp expire_time = 3;");
        text.replace("write: \"true\"}", &format!("write: \"true\"}} soft_delete: true purge_after: \"{after}\""))
    };
    for good in ["1us", "720h", "52560000m", &format!("{MAX_PURGE_AFTER_HOURS}h")] {
        assert_eq!(problems(&kept(good)), "", "{good}");
    }
    let longer = format!("{MAX_PURGE_AFTER_HOURS}h1us");
    for bad in [
        longer.as_str(),
        "70000000h",
        "87660000h",
        "87660001h",
        "315576000000s",
        "9999999999999999999999h",
        "-1h",
        "0s",
        "h",
    ] {
        let told = problems(&kept(bad));
        assert!(told.contains(&format!("`{bad}` is not a time that a deleted row could be kept for")), "{bad}: {told}");
        assert!(told.contains(&format!("at most \"{MAX_PURGE_AFTER_HOURS}h\"")), "{bad}: {told}");
    }
    let applied = |text: String| compile_applied(vec![source("shop/v1/test.proto".into(), text)]);
    let contract = applied(kept("70000000h")).expect("it was applied");
    assert_eq!((contract.warnings.len(), contract.warnings[0].severity), (1, Severity::Warning));
    assert!(contract.resources[0].soft_delete.is_some_and(|kept| kept.purge_after_us.is_some()), "as it was applied");
    assert!(applied(kept("0s")).is_err(), "no version took it");
}

#[test]
fn at_most_so_many_problems_are_told() {
    let fields: String = (2..1_000).map(|i| format!("string _f{i} = {i};\n")).collect();
    let found = compile_text(&thing(&fields)).expect_err("such names are Mainstay's own").0;
    assert_eq!(found.len(), MAX_DIAGNOSTICS + 1);
    assert!(found[MAX_DIAGNOSTICS].message.contains("more errors are not shown"));
}

#[test]
fn a_contract_full_of_mistakes_is_told_in_time() {
    let message = |i: usize| {
        format!(
            "message M{i} {{ Unknwn{i} a = 1 [(mainstay.v1.feild).x = 1, (buf.validate.field).strng.y = 1]; string b = 1; }}\n"
        )
    };
    let text = file(&(0..5_000).map(message).collect::<String>());
    let start = std::time::Instant::now();
    let found = compile_text(&text).expect_err("it is full of mistakes").0;
    assert_eq!(found.len(), MAX_DIAGNOSTICS + 1);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn no_number_of_warnings_hides_an_error() {
    let resource = |i: usize| {
        format!(
            "message W{i} {{ option (google.api.resource) = {{type: \"shop.example.com/W{i}\" pattern: \"w{i}s/{{w}}\"}};\n\
             string name = 1; }}\n"
        )
    };
    let without_access: String = (0..MAX_DIAGNOSTICS + 100).map(resource).collect();
    let warned = compile_text(&file(&without_access)).expect("warnings are no errors").model.warnings;
    assert_eq!(warned.len(), MAX_DIAGNOSTICS + 1);
    assert_eq!(warned[MAX_DIAGNOSTICS].message, "100 more warnings are not shown");
    let last = "message Last { option (google.api.resource) = {type: \"shop.example.com/Last\" pattern: \"lasts/{last}\"};\n\
                option (mainstay.v1.resource) = {access {read: \"resource.nothing\" write: \"true\"}};\nstring name = 1; }";
    let found = compile_text(&file(&(without_access + last))).expect_err("an error").0;
    let errors: Vec<_> = found.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].message, "shop.v1.Last has no field `nothing`");
    assert_eq!(found.len(), MAX_DIAGNOSTICS + 2);
}

#[test]
fn a_hostile_option_does_not_exhaust_the_stack() {
    let deep = "repeated {items {".repeat(5_000);
    let text = file(&format!("message A {{ string a = 1 [(buf.validate.field) = {{{deep}}}]; }}"));
    assert!(problems(&text).contains("nest more than"));
}

#[test]
fn messages_lie_only_so_deep_in_json() {
    let chain = |depth: usize| {
        let mut text = thing("repeated M0 m = 2;");
        for level in 0..depth {
            text += &format!("message M{level} {{ repeated M{} m = 1; }}\n", level + 1);
        }
        text + &format!("message M{depth} {{ string leaf = 1; }}\n")
    };
    assert_eq!(problems(&chain(MAX_JSON_DEPTH)), "");
    assert!(problems(&chain(5_000)).contains(&format!("more than {MAX_JSON_DEPTH} deep")));
}

#[test]
fn a_very_long_line_is_not_shown() {
    let said = problems(&thing(&format!("/* {} */ string _b = 2;", "x".repeat(10_000))));
    assert!(said.contains("`_b` begins with an underscore") && said.len() < 1_000, "{said}");
}

#[test]
fn a_table_whose_rows_no_page_may_hold_is_told() {
    let fields = |ty: &str, count: usize| {
        (0..count).fold(String::new(), |text, index| format!("{text}{ty} f{index} = {};", index + 2))
    };
    let warnings =
        |fields: &str| compile_text(&thing(fields)).unwrap_or_else(|problems| panic!("{problems}")).model.warnings;
    assert_eq!(warnings(&fields("string", 380)), []);
    assert_eq!(warnings(&fields("int64", 490)), []);
    for ty in ["string", "bytes", "repeated int32", "optional string"] {
        let told = warnings(&fields(ty, 490));
        let [warning] = told.as_slice() else { panic!("{ty}: {told:?}") };
        assert!(warning.message.contains("too many columns for all of them to be set"), "{warning}");
        assert!(warning.line > 0 && warning.help.is_some(), "{warning}");
    }
}
