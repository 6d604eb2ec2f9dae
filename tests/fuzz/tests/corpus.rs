//! Takes in again what a fuzzer found worth keeping, and what broke something once.

use std::fs;
use std::path::Path;

use mainstay_fuzz::{TARGETS, take};

#[test]
fn what_was_found_breaks_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in TARGETS {
        let files = fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("corpus/{name}: {error}"));
        let mut taken = 0;
        for file in files {
            let file = file.expect("the folder can be read").path();
            take(target, &fs::read(&file).expect("the file can be read"));
            taken += 1;
        }
        assert!(taken > 0, "corpus/{name} is empty");
    }
}
