//! What was applied keeps starting: today's binary on what the founding version wrote (tests/founding).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mainstay_testkit::Engine;
use mainstay_testkit::database::{Place, place};
use mainstay_testkit::http::Http;
use mainstay_testkit::server::{Launch, Server};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::{PASSWORD, repository};

/// A store of the founding version, copied so that it can be changed.
struct Founding {
    folder: TempDir,
    contract: PathBuf,
    launch: Launch,
    /// Dropped after the servers that use them.
    _places: Vec<Place>,
}

impl Founding {
    async fn new(name: &str, engine: Engine) -> Founding {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let whole = repository().join("tests/founding").join(name);
        let from = whole.join(if engine == Engine::Sqlite { "sqlite" } else { "postgres" });
        copy(&from, &folder.path().join("data"));
        let mut launch = Launch::new(folder.path());
        let mut places = Vec::new();
        if engine == Engine::Postgres {
            for section in ["auth", "data", "gateway"] {
                let place = place(engine).await;
                load(&place, &from.join(format!("{section}.sql"))).await;
                let url = place.url().expect("a database of PostgreSQL has a URL").to_owned();
                launch = launch.environment(format!("MAINSTAY__{}__DATABASE_URL", section.to_uppercase()), url);
                places.push(place);
            }
        }
        Founding { folder, contract: whole.join("contract"), launch, _places: places }
    }

    /// What the founding version answered, by path.
    fn answers(&self) -> Map<String, Value> {
        let text = fs::read_to_string(self.folder.path().join("data/answers.json")).expect("the answers are there");
        serde_json::from_str(&text).expect("the answers are JSON")
    }

    async fn start(&self) -> Server {
        self.launch.clone().start().await
    }

    async fn start_with_contract(&self) -> Server {
        self.launch.clone().contracts(&self.contract).start().await
    }
}

/// Copies a folder, its files for nobody else's eyes, as the keys among them have to be.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a file can be copied");
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("a file has a mode");
        }
    }
}

/// Loads a dump, where there is one.
async fn load(place: &Place, dump: &Path) {
    let Ok(sql) = fs::read_to_string(dump) else { return };
    let db = mainstay_db::Database::open(&place.config, &place.path).await.expect("the store opens");
    let loaded = db.exclusive(move |conn| Box::pin(async move { conn.batch(&sql).await }));
    loaded.await.expect("the dump is one of PostgreSQL");
    db.close().await;
}

async fn sign_in(http: &Http, email: &str) -> Http {
    let session = http.post("/auth/v1/sessions:signIn", json!({"email": email, "password": PASSWORD})).await.ok();
    http.with_token(session["accessToken"].as_str().expect("a session has an access token"))
}

mainstay_testkit::both_engines! {
    async fn what_the_founding_version_wrote_is_read_and_written_and_its_plan_is_empty(engine: Engine) {
        let founding = Founding::new("library", engine).await;
        let mut server = founding.start_with_contract().await;
        assert!(server.log().contains("schema up to date"), "{}", server.log());
        let plan = server.command(&["contract", "plan"]);
        assert!(plan.contains("up to date"), "{plan}");
        let http = server.http();
        let answers = founding.answers();
        assert!(answers.len() > 5);
        for (path, answer) in &answers {
            assert_eq!(http.get(&format!("/library/v1/{path}")).await.ok(), *answer, "{path}");
        }

        // Accounts and their sessions.
        let ada = sign_in(&http, "ada@example.org").await;
        assert_eq!(ada.get("/auth/v1/accounts/me").await.ok()["email"], "ada@example.org");
        sign_in(&http, "niko@example.org").await;

        // Writes: with an etag of then, against the constraints of then, and new ones.
        let dune = &answers["branches/north/books/dune"];
        let change = json!({"etag": dune["etag"], "pages": "500", "ratings": {"ada": 4}});
        let changed = http.patch("/library/v1/branches/north/books/dune", change).await.ok();
        assert_eq!((&changed["pages"], &changed["authors"], &changed["price"]), (&json!("500"), &dune["authors"], &dune["price"]));
        let book = |isbn: &str| json!({"heading": "New", "isbn": isbn, "authors": [{"name": "N", "favourite": "NOVEL"}]});
        http.post("/library/v1/branches/south/books?bookId=twice", book("0-441-01359-7")).await.refusal(409, "ALREADY_EXISTS");
        http.post("/library/v1/branches/south/books?bookId=new", book("1-1")).await.ok();
        http.delete("/library/v1/branches/north/books/dune").await.refusal(400, "FAILED_PRECONDITION");
        http.delete("/library/v1/branches/north/books/messiah").await.ok();
        http.delete("/library/v1/branches/north/books/dune").await.ok();
        let found = http.get("/library/v1/branches/-/books?filter=title%3D%22New%22").await.ok();
        assert_eq!(found["books"][0]["name"], "branches/south/books/new", "the name of before still finds it");

        assert_eq!(server.stop().await, Some(0));
        server.restart().await;
        assert_eq!(server.http().get("/library/v1/branches/south/books/new").await.ok()["authors"][0]["name"], "N");
    }

    async fn a_contract_that_is_refused_today_is_served_on_where_it_was_applied(engine: Engine) {
        let founding = Founding::new("diary", engine).await;
        let mut server = founding.start().await;
        let first = json!({"name": "entries/first", "text": "Dear diary", "public": true, "code": "abc"});
        assert_eq!(server.http().get("/diary/v1/entries/first").await.ok(), first);
        let made = server.http().post("/diary/v1/entries?entryId=second", json!({"code": "az"})).await.ok();
        assert_eq!(made["public"], true);
        server.http().post("/diary/v1/entries?entryId=third", json!({"code": "x"})).await.refusal(400, "INVALID_ARGUMENT");
        assert!(server.log().contains("entry.proto"), "what is wrong with it is said: {}", server.log());
        assert_eq!(server.stop().await, Some(0));

        // The folder says the same, which nobody may apply any more; what was applied is served all the same.
        let mut server = founding.start_with_contract().await;
        assert_eq!(server.http().get("/diary/v1/entries/first").await.ok(), first);
        let changed = server.http().patch("/diary/v1/entries/first", json!({"text": "Still dear"})).await.ok();
        assert_eq!(changed["text"], "Still dear");
        assert_eq!(server.stop().await, Some(0));
    }
}
