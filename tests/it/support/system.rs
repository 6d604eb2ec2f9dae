//! Whole systems: one process on either engine, or three.

use std::process::Output;

use mainstay_testkit::Engine;
use mainstay_testkit::database::{Place, place};
use mainstay_testkit::http::Http;
use mainstay_testkit::server::{Launch, Server, free_port};
use mainstay_testkit::tools::Grpcurl;
use serde_json::json;

use super::Folder;

/// The password of every test account.
pub const PASSWORD: &str = "correct horse battery";

/// The sections of the configuration that have a database.
const SECTIONS: [&str; 3] = ["AUTH", "DATA", "GATEWAY"];

/// A running system. Clients talk to `gateway`, which is the only process of a system of one.
pub struct System {
    pub gateway: Server,
    pub auth: Option<Server>,
    pub data: Option<Server>,
    pub folder: Folder,
    /// Dropped after the servers that use them.
    places: Vec<Place>,
}

impl System {
    /// One process with the contract of the folder.
    pub async fn one(engine: Engine, folder: Folder) -> System {
        System::one_with(engine, folder, |launch| launch).await
    }

    /// One process with more settings.
    pub async fn one_with(engine: Engine, folder: Folder, change: impl FnOnce(Launch) -> Launch) -> System {
        let (places, base) = stores(engine, Launch::new(folder.path()).contracts(&folder.contracts())).await;
        System { gateway: change(base).start().await, auth: None, data: None, folder, places }
    }

    /// Three processes with the contract of the folder, each on a database of its own.
    pub async fn three(engine: Engine, folder: Folder) -> System {
        System::three_with(engine, folder, |launch| launch).await
    }

    /// Three processes with more settings.
    pub async fn three_with(engine: Engine, folder: Folder, change: impl FnOnce(Launch) -> Launch) -> System {
        let (places, base) = stores(engine, Launch::new(folder.path())).await;
        let mut system = System::three_from(change(base), folder).await;
        system.places = places;
        system
    }

    /// Three processes whose stores are named by `base` already.
    pub async fn three_from(base: Launch, folder: Folder) -> System {
        let (auth_port, data_port) = (free_port(), free_port());
        let base = base
            .environment("MAINSTAY__SERVICES__AUTH__URL", format!("http://127.0.0.1:{auth_port}"))
            .environment("MAINSTAY__SERVICES__DATA__URL", format!("http://127.0.0.1:{data_port}"));
        let data = base.clone().role("data").port(data_port).contracts(&folder.contracts()).spawn();
        let auth = base.clone().role("auth").port(auth_port).spawn();
        let gateway = base.role("gateway").port(free_port()).spawn();
        let mut system = System { gateway, auth: Some(auth), data: Some(data), folder, places: Vec::new() };
        system.auth().ready().await;
        system.data().ready().await;
        system.gateway.ready().await;
        system
    }

    /// The process with the auth service.
    pub fn auth(&mut self) -> &mut Server {
        self.auth.as_mut().unwrap_or(&mut self.gateway)
    }

    /// The process with the data service.
    pub fn data(&mut self) -> &mut Server {
        self.data.as_mut().unwrap_or(&mut self.gateway)
    }

    /// A client over REST that is not signed in.
    pub fn http(&self) -> Http {
        self.gateway.http()
    }

    /// A client over gRPC that is not signed in.
    pub fn grpc(&self) -> Grpcurl {
        Grpcurl::new(&self.gateway.address())
    }

    /// Runs a command of the binary with the system's settings.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.gateway.launch().command(arguments)
    }

    /// Makes an account.
    pub async fn sign_up(&self, email: &str) {
        self.http().post("/auth/v1/accounts:signUp", json!({"email": email, "password": PASSWORD})).await.ok();
    }

    /// Signs in.
    pub async fn sign_in(&self, email: &str) -> Http {
        let answer = self.http().post("/auth/v1/sessions:signIn", json!({"email": email, "password": PASSWORD})).await;
        let session = answer.ok();
        self.http().with_token(session["accessToken"].as_str().expect("a session has an access token"))
    }

    /// A new user without roles.
    pub async fn user(&self, email: &str) -> Http {
        self.sign_up(email).await;
        self.sign_in(email).await
    }

    /// A new user with a role, granted on the command line.
    pub async fn user_with_role(&self, email: &str, role: &str) -> Http {
        self.sign_up(email).await;
        self.gateway.command(&["admin", "grant", email, role]);
        self.sign_in(email).await
    }
}

/// Makes empty databases, where the engine wants some, and names them in the settings.
pub async fn stores(engine: Engine, mut base: Launch) -> (Vec<Place>, Launch) {
    let mut places = Vec::new();
    if engine == Engine::Postgres {
        for section in SECTIONS {
            let place = place(engine).await;
            let url = place.url().expect("a database of PostgreSQL has a URL");
            base = base.environment(format!("MAINSTAY__{section}__DATABASE_URL"), url);
            places.push(place);
        }
    }
    (places, base)
}

impl System {
    /// Runs SQL on the data service's store. On SQLite the server must be stopped.
    pub async fn run_sql(&self, sql: &str) {
        let config = match self.places.get(1) {
            Some(place) => place.config.clone(),
            None => mainstay_db::Config::default(),
        };
        let file = self.folder.path().join("data/data.sqlite");
        let db = mainstay_db::Database::open(&config, &file).await.expect("the store opens");
        let sql = sql.to_owned();
        let run = db.exclusive(move |conn| Box::pin(async move { conn.batch(&sql).await }));
        run.await.expect("the statement is valid");
        db.close().await;
    }
}
