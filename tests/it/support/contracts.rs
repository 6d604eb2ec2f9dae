//! Contract folders that tests may change.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The root of the repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests are in a folder of the repository").to_owned()
}

/// A temporary folder with a place for a contract and one for a server.
#[derive(Debug)]
pub struct Folder {
    whole: TempDir,
    contracts: &'static str,
}

impl Folder {
    /// An empty one.
    pub fn empty() -> Folder {
        // Not beside the logs: the watch looks at the folder above the contract, too, and would log what it logs.
        Folder::with_contracts_in("contracts/application")
    }

    fn with_contracts_in(contracts: &'static str) -> Folder {
        let whole = tempfile::Builder::new().prefix("mainstay-test-").tempdir();
        let folder = Folder { whole: whole.expect("a temporary folder can be made"), contracts };
        fs::create_dir_all(folder.contracts()).expect("a folder can be made");
        folder
    }

    /// One with a copy of the tests' shop.
    pub fn shop() -> Folder {
        Folder::of_tests("shop")
    }

    /// One with a copy of the sample shop, where `make run` puts it.
    pub fn sample() -> Folder {
        let folder = Folder::with_contracts_in("var/shop");
        copy(&repository().join("proto/shop"), &folder.contracts());
        folder
    }

    /// One with a copy of another sample.
    pub fn of(sample: &str) -> Folder {
        let folder = Folder::empty();
        copy(&repository().join("proto").join(sample), &folder.contracts());
        folder
    }

    /// One with a copy of a contract of the tests.
    pub fn of_tests(name: &str) -> Folder {
        let folder = Folder::empty();
        copy(&repository().join("tests/contracts").join(name), &folder.contracts());
        folder
    }

    /// One with this contract file.
    pub fn with(path: &str, text: &str) -> Folder {
        let folder = Folder::empty();
        folder.write(path, text);
        folder
    }

    /// The whole folder.
    pub fn path(&self) -> &Path {
        self.whole.path()
    }

    /// The contract's folder.
    pub fn contracts(&self) -> PathBuf {
        self.whole.path().join(self.contracts)
    }

    /// Writes a file of the contract.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.contracts().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        // As editors do: a reader finds the old text or the new one.
        let temporary = path.with_extension("saving");
        fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, &path)).expect("a file can be written");
    }

    /// Changes a file of the contract.
    pub fn change(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.contracts().join(path)).expect("the file is there");
        assert!(text.contains(old), "{path} does not contain {old:?}");
        self.write(path, &text.replace(old, new));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the contract is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
