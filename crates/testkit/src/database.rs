//! A fresh store for each test, on both engines.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use mainstay_db::{Config, Database, Engine};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::postgres;

/// Opens an empty store that ends with the returned value.
pub async fn fresh(engine: Engine) -> Fresh {
    let place = place(engine).await;
    let database = Database::open(&place.config, &place.path).await.expect("a fresh store opens");
    Fresh { database, place }
}

/// An open empty store. Use it like a [`Database`]; keep it as long as its clones.
pub struct Fresh {
    database: Database,
    place: Place,
}

impl Fresh {
    /// Where the store is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Closes the store and hands out its place, to open it again.
    pub async fn into_place(self) -> Place {
        self.database.close().await;
        self.place
    }
}

impl Deref for Fresh {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// Where an empty store may be opened: what a service's configuration says. It is removed with this value.
pub struct Place {
    /// For PostgreSQL with the URL of an empty database.
    pub config: Config,
    /// The file for SQLite.
    pub path: PathBuf,
    folder: TempDir,
    created: Option<Created>,
}

impl Place {
    /// A folder of the store's own, which goes with it.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The URL of the PostgreSQL database; nothing for SQLite.
    pub fn url(&self) -> Option<&str> {
        self.config.database_url.as_ref().map(|url| url.expose_secret())
    }
}

/// Makes a place for an empty store.
pub async fn place(engine: Engine) -> Place {
    let folder = tempfile::Builder::new().prefix("mainstay-test-").tempdir().expect("a temporary folder can be made");
    let mut config = Config { pool_size: 8, ..Config::default() };
    let created = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => {
            let created = Created::new().await;
            config.database_url = Some(postgres::database_url(&created.name).into());
            Some(created)
        }
    };
    Place { config, path: folder.path().join("store.db"), folder, created }
}

/// Copies a store that nobody has open, with what is in it.
pub async fn copy_of(place: &Place) -> Place {
    let folder = tempfile::Builder::new().prefix("mainstay-test-").tempdir().expect("a temporary folder can be made");
    let path = folder.path().join(place.path.file_name().expect("a store has a name"));
    let mut config = place.config.clone();
    let created = match &place.created {
        None => {
            std::fs::copy(&place.path, &path).expect("a store that nobody has open is one file");
            None
        }
        Some(of) => {
            let created = Created::from(Some(&of.name)).await;
            config.database_url = Some(postgres::database_url(&created.name).into());
            Some(created)
        }
    };
    Place { config, path, folder, created }
}

/// A database that is dropped with this value.
struct Created {
    name: String,
}

impl Created {
    async fn new() -> Created {
        Created::from(None).await
    }

    /// Makes an empty one, or one like another, to which nobody is connected.
    async fn from(other: Option<&str>) -> Created {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Starting the server blocks for a while.
        tokio::task::spawn_blocking(postgres::server_url).await.expect("PostgreSQL can be had");
        let name = format!("mainstay_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let like = other.map_or_else(String::new, |other| format!(" TEMPLATE {other}"));
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let create = format!("CREATE DATABASE {name}{like}");
        // To copy files takes a third of what the log of all their pages does. PostgreSQL 15 knows how.
        let copying = [drop.clone(), format!("{create} STRATEGY FILE_COPY")];
        if administer(&copying).await.is_err() {
            administer(&[drop, create]).await.expect("a database can be created");
        }
        Created { name }
    }
}

impl Drop for Created {
    /// On a thread of its own, because the test's runtime may be ending. A database that stays behind goes with the
    /// cluster.
    fn drop(&mut self) {
        let sql = [format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)];
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(administer(&sql)).ok()
        });
    }
}

/// Runs SQL on the server's own database.
async fn administer(statements: &[String]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut link = AsyncPgConnection::establish(postgres::server_url()).await?;
    for statement in statements {
        link.batch_execute(statement).await?;
    }
    Ok(())
}

/// Runs a test on both engines. `async fn what_is_true(engine: Engine) { … }` becomes the tests
/// `what_is_true::on_sqlite` and `what_is_true::on_postgres`.
#[macro_export]
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident: Engine) $body:block)*) => {
        $(
            mod $name {
                #[allow(unused_imports, clippy::allow_attributes, reason = "not every test needs what stands around it")]
                use super::*;

                $(#[$meta])*
                async fn check($engine: $crate::Engine) $body

                #[::tokio::test]
                async fn on_sqlite() {
                    ::std::boxed::Box::pin(check($crate::Engine::Sqlite)).await;
                }

                #[::tokio::test]
                async fn on_postgres() {
                    ::std::boxed::Box::pin(check($crate::Engine::Postgres)).await;
                }
            }
        )*
    };
}
