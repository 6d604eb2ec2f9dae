//! The tools that people have for OpenAPI documents: each judges a document, and one makes a client of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Node, python_from};

/// What a folder names: npm's `@redocly/cli`, `@stoplight/spectral-cli`, `openapi-typescript` and `typescript`, PyPI's
/// `openapi-spec-validator` and `schemathesis`, and the rules that are kept to.
#[derive(Debug, Clone)]
pub struct OpenApiTools {
    folder: PathBuf,
    node: Node,
    python: PathBuf,
}

impl OpenApiTools {
    /// Brings the tools. Panics with what is missing.
    pub fn of(folder: &Path) -> OpenApiTools {
        let python = python_from(&folder.join("requirements.txt"));
        OpenApiTools { folder: folder.to_owned(), node: Node::with_packages_of(folder), python }
    }

    /// Panics where one of the tools finds anything wrong with a document, be it a warning, or cannot make types of it.
    pub fn judge(&self, document: &Path) {
        let mut validator = Command::new(&self.python);
        validator.args(["-m", "openapi_spec_validator"]).arg(document);
        let mut redocly = self.node.program("redocly");
        redocly.arg("lint").arg(document).args(["--format", "json", "--config"]).arg(self.folder.join("redocly.yaml"));
        redocly.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
        let mut spectral = self.node.program("spectral");
        spectral
            .args(["lint", "--fail-severity", "hint", "--ruleset"])
            .arg(self.folder.join("spectral.yaml"))
            .arg(document);
        // Side by side: each takes seconds for itself.
        let all = [validator, redocly, spectral, self.types(document)];
        std::thread::scope(|scope| {
            let running = all.map(|mut tool| scope.spawn(move || ran(&mut tool)));
            for tool in running {
                tool.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
    }

    /// Makes types of a document, beside it.
    fn types(&self, document: &Path) -> Command {
        let mut typescript = self.node.program("openapi-typescript");
        typescript.arg(document).arg("--output").arg(document.with_file_name("api.d.ts"));
        typescript
    }

    /// Type-checks a program against the types of a document, and runs it. Returns what it printed. It is copied to where the
    /// document is, which no other program may be.
    pub fn program(&self, name: &str, document: &Path, environment: &[(&str, &str)]) -> String {
        ran(&mut self.types(document));
        let folder = document.parent().expect("a document is in a folder");
        let program = folder.join(name);
        fs::copy(self.folder.join(name), &program).expect("a program can be copied");
        let packages = folder.join("node_modules");
        #[cfg(unix)]
        std::os::unix::fs::symlink(self.node.package(""), &packages).expect("packages can be linked");
        let mut check = self.node.program("tsc");
        check.args([
            "--noEmit",
            "--strict",
            "--target",
            "es2024",
            "--module",
            "nodenext",
            "--lib",
            "es2024,dom,dom.iterable",
        ]);
        check.args(["--skipLibCheck", "--allowImportingTsExtensions"]).arg(&program).current_dir(folder);
        ran(&mut check);
        let mut run = self.node.command();
        ran(run.arg(&program).current_dir(folder).envs(environment.iter().copied()))
    }

    /// Lets schemathesis call what a document describes, on a server, with what the document says and a little beside it. Panics
    /// where an answer is a fault of the server, or not what the document says. `only` and `but`: expressions for the paths.
    pub fn explore(&self, document: &Path, (server, token): (&str, &str), only: &str, but: Option<&str>) {
        const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                              response_schema_conformance,response_headers_conformance";
        let mut schemathesis = Command::new(self.python.with_file_name("schemathesis"));
        schemathesis.arg("run").arg(document).args(["--url", server, "--include-path-regex", only]);
        schemathesis.args(["--header", &format!("authorization: Bearer {token}"), "--checks", CHECKS]);
        schemathesis.args([
            "--phases",
            "examples,fuzzing",
            "--max-examples",
            "2",
            "--suppress-health-check",
            "all",
            "--seed",
            "1",
            // A busy machine is slow, and not wrong.
            "--request-timeout",
            "60",
            // Its generator of values keeps what it knows of functions in one place, which two threads break.
            "--workers",
            "1",
            "--no-color",
        ]);
        if let Some(but) = but {
            schemathesis.args(["--exclude-path-regex", but]);
        }
        // It keeps what it found in the folder that it runs in.
        schemathesis.current_dir(document.parent().expect("a document is in a folder"));
        ran(&mut schemathesis);
    }
}

/// Runs a program to its good end. Returns what it printed.
fn ran(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (printed, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{printed}{error}");
    printed.into_owned()
}
