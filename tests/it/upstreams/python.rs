//! The pricing service in Python, and a system that has it for an upstream.

use std::fs;
use std::path::Path;
use std::process::Command;

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::{Launch, built, free_port};
use mainstay_testkit::tools::python_from;
use serde_json::json;
use tempfile::TempDir;

use crate::clients::workshop::{Follower, files, ran};
use crate::support::{Folder, System, repository};

/// What the pricing service is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Python,
    Rust,
}

/// A catalogue, and who works out its prices.
pub struct Catalogue {
    pub system: System,
    /// Who sells, and has the role `merchant`.
    pub merchant: Http,
    pub port: u16,
    pub pricing: Option<Follower>,
    /// The port of the page that may call.
    pub page: u16,
    /// The messages and stubs, where they are made for the service.
    modules: Option<TempDir>,
}

impl Catalogue {
    /// One process on SQLite, with the service in Python.
    pub async fn one() -> Catalogue {
        Catalogue::priced_by(Language::Python).await
    }

    /// The same with the service in another language.
    pub async fn priced_by(language: Language) -> Catalogue {
        let (port, page) = (free_port(), free_port());
        let change = |launch| with_pricing(launch, port, page);
        let system = System::one_with(Engine::Sqlite, Folder::of_tests("pricing"), change).await;
        Catalogue::stocked(system, (port, page), language).await
    }

    /// Three processes on PostgreSQL.
    pub async fn three() -> Catalogue {
        let (port, page) = (free_port(), free_port());
        let change = |launch| with_pricing(launch, port, page);
        let system = System::three_with(Engine::Postgres, Folder::of_tests("pricing"), change).await;
        Catalogue::stocked(system, (port, page), Language::Python).await
    }

    async fn stocked(system: System, (port, page): (u16, u16), language: Language) -> Catalogue {
        let merchant = system.user_with_role("merchant@example.org", "merchant").await;
        let cup = json!({"title": "Cup", "cost": "400"});
        merchant.post("/catalog/v1/products?productId=cup", cup).await.ok();
        let modules = (language == Language::Python).then(|| modules(&system));
        let mut catalogue = Catalogue { system, merchant, port, page, pricing: None, modules };
        catalogue.start_pricing();
        catalogue
    }

    /// Starts the pricing service.
    pub fn start_pricing(&mut self) {
        let mut command = match &self.modules {
            None => Command::new(built("mainstay-example-pricing")),
            Some(_) => Command::new(python_from(&sources().join("requirements.txt"))),
        };
        command.args(self.modules.as_ref().map(|_| sources().join("pricing.py")));
        command.arg(self.port.to_string()).args(self.modules.as_ref().map(TempDir::path));
        let mut pricing = Follower::start(command.arg(self.system.gateway.url()));
        assert_eq!(pricing.report(), json!({"serves": self.port.to_string()}));
        self.pricing = Some(pricing);
    }
}

fn with_pricing(launch: Launch, port: u16, page: u16) -> Launch {
    launch
        .environment("MAINSTAY__GATEWAY__UPSTREAMS__PRICING__URLS", format!("http://127.0.0.1:{port}"))
        .environment("MAINSTAY__GATEWAY__CORS__ORIGINS", format!("http://127.0.0.1:{page}"))
}

/// Where the services' programs are.
pub fn sources() -> std::path::PathBuf {
    repository().join("tests/upstreams")
}

/// The messages and stubs in Python.
fn modules(system: &System) -> TempDir {
    let folder = tempfile::Builder::new().prefix("mainstay-test-pricing-").tempdir().expect("a folder can be made");
    let protos = folder.path().join("protos");
    let contracts = system.folder.contracts();
    let exported = ["contract", "export", &contracts.to_string_lossy(), "--out", &protos.to_string_lossy()];
    let exported = system.command(&exported);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let python = python_from(&sources().join("requirements.txt"));
    let mut protoc = Command::new(python);
    protoc.args(["-m", "grpc_tools.protoc", "-I."]).current_dir(&protos);
    protoc.arg(format!("--python_out={}", folder.path().display()));
    protoc.arg(format!("--grpc_python_out={}", folder.path().display()));
    // What googleapis' own package brings is not made twice.
    ran(protoc.args(files(&protos).into_iter().filter(|file| !file.starts_with("google/rpc"))));
    fs::remove_dir_all(Path::new(&protos)).expect("a folder can be removed");
    folder
}
