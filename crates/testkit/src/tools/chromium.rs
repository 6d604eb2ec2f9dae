//! Chromium without a window.

use std::path::PathBuf;
use std::process::Command;

use super::{Node, once, run};

/// Names another Chromium than the one that is brought.
const VARIABLE: &str = "MAINSTAY_TEST_CHROMIUM";

/// The npm package that carries Chromium, packed, and the libraries that it needs beside the C library.
const PACKAGE: &str = "@sparticuz/chromium";

/// Unpacks one file (arguments: from, to): Brotli is in Node, and rarely a program of its own.
const UNPACK: &str = "
const { createReadStream, createWriteStream } = require('node:fs');
const { createBrotliDecompress } = require('node:zlib');
const [from, to] = process.argv.slice(1);
require('node:stream/promises')
  .pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode: 0o755 }));
";

/// A browser that can be started.
#[derive(Debug, Clone)]
pub struct Chromium {
    program: PathBuf,
    libraries: Option<PathBuf>,
}

impl Chromium {
    /// Finds the browser that `MAINSTAY_TEST_CHROMIUM` names, or unpacks the one among Node's packages. Panics with what is
    /// missing.
    pub fn of(node: &Node) -> Chromium {
        let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let browser = match named {
            Some(program) => Ok(Chromium { program, libraries: None }),
            None => unpacked(node),
        };
        browser.and_then(Chromium::tried).unwrap_or_else(|problem| {
            panic!(
                "found no Chromium for the tests: {problem}. The one that is brought runs on Linux on x86-64; elsewhere \
                 install one (Debian, Ubuntu: `apt-get install chromium`) and set {VARIABLE} to its path"
            )
        })
    }

    /// Starts a program that starts the browser: it finds the browser's path in `CHROMIUM` and its libraries in
    /// `CHROMIUM_LIBRARIES`.
    pub fn told(&self, command: &mut Command) {
        command.env("CHROMIUM", &self.program);
        if let Some(libraries) = &self.libraries {
            command.env("CHROMIUM_LIBRARIES", libraries);
        }
    }

    /// A browser that cannot even say its version lacks something: the system's loader says what.
    fn tried(self) -> Result<Chromium, String> {
        let mut command = Command::new(&self.program);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        run(command.arg("--version")).map(|_| self)
    }
}

fn unpacked(node: &Node) -> Result<Chromium, String> {
    let packed = node.package(PACKAGE).join("bin");
    let place = once(&format!("chromium-of-{}", node.name()), |place| {
        let unpack = |from: &str, to: &str| {
            run(node.command().args(["-e", UNPACK]).arg(packed.join(from)).arg(place.join(to))).map(drop)
        };
        unpack("chromium.br", "chromium")?;
        unpack("al2023.tar.br", "libraries.tar")?;
        run(Command::new("tar").arg("-xf").arg(place.join("libraries.tar")).arg("-C").arg(place)).map(drop)
    })?;
    Ok(Chromium { program: place.join("chromium"), libraries: Some(place.join("lib")) })
}
