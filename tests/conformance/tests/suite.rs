//! The suite's own runner judges how protobuf and JSON are read and written.

use std::path::Path;

use mainstay_testkit::tools::ConformanceSuite;

#[test]
fn the_suite_fails_where_it_is_known_to_and_nowhere_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let testee = Path::new(env!("CARGO_BIN_EXE_mainstay-conformance"));
    let judged = ConformanceSuite::of(folder).judge(testee, &folder.join("known_failures.txt"), kept);
    judged.unwrap_or_else(|printed| panic!("{printed}"));
}
