//! What a server says when it cannot start. It ends at once, with code 1, and names the place and the remedy.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mainstay_testkit::Engine;
use mainstay_testkit::server::{Launch, free_port};
use mainstay_testkit::wait::until;

use crate::support::{Folder, System, notes};

/// Starts a server in the folder that must refuse. Returns what it says.
async fn refused(launch: Launch) -> String {
    let (printed, code) = launch.refused().await;
    assert_eq!(code, Some(1), "{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
    printed
}

fn assert_says(printed: &str, parts: &[&str]) {
    for part in parts {
        assert!(printed.contains(part), "{part:?} is not said:\n{printed}");
    }
}

fn launch(folder: &Folder) -> Launch {
    Launch::new(folder.path()).contracts(&folder.contracts())
}

#[tokio::test]
async fn who_comes_second_is_told_who_was_first() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let pid = system.gateway.pid().to_string();
    let other = launch(&system.folder).port(free_port());
    assert_says(&refused(other).await, &[&pid, &system.gateway.address(), "data"]);

    let elsewhere = notes::folder();
    let same_port = launch(&elsewhere).environment("MAINSTAY__LISTEN", system.gateway.address());
    let port = system.gateway.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    assert_says(&refused(same_port.port(port)).await, &[&port.to_string(), "in use"]);
    assert!(!elsewhere.path().join("data").exists(), "nothing is made before the port is had");
    // The first one has not noticed.
    notes::create(&system.http(), "one").await;
}

#[tokio::test]
async fn a_contract_that_is_not_there_or_does_not_compile_is_named_with_its_place() {
    let folder = notes::folder();
    let missing = folder.path().join("nowhere");
    assert_says(
        &refused(launch(&folder).contracts(&missing)).await,
        &[&missing.to_string_lossy(), "does not exist", "--contracts"],
    );
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("a folder can be made");
    assert_says(&refused(launch(&folder).contracts(&empty)).await, &[&empty.to_string_lossy(), ".proto"]);

    folder.write(notes::FILE, &notes::contract(0).replace("\"true\" write", "\"auth.ui == 'a'\" write"));
    folder
        .write("notes/v1/other.proto", "syntax = \"proto3\";\npackage notes.v1;\nmessage Other {\n  strin a = 1;\n}\n");
    let printed = refused(launch(&folder)).await;
    assert_says(&printed, &["notes/v1/note.proto:13:", "auth.ui", "notes/v1/other.proto:4:3", "strin"]);
}

#[tokio::test]
async fn every_problem_of_the_configuration_is_said_at_once() {
    let folder = notes::folder();
    let file = folder.path().join("mainstay.toml");
    fs::write(&file, "drain_secs = 3\n[auth]\naccess_token_seconds = 0\n[data.store]\npool_size = \"many\"\n")
        .expect("a file can be written");
    let printed = refused(
        launch(&folder)
            .arguments(["--config".to_owned(), file.to_string_lossy().into_owned()])
            .environment("MAINSTAY__GATEWAY__COLOUR", "red")
            .environment("MAINSTAY__GATEWAY__MAX_REQUEST_BYTES", "0")
            .environment("MAINSTAY__MODE", "careless"),
    )
    .await;
    assert_says(
        &printed,
        &[
            "drain_secs",
            "drain_seconds",
            "mainstay.toml:1",
            "auth.access_token_seconds: must be 1 to",
            "mainstay.toml:3",
            "data.store.pool_size",
            "mainstay.toml:5",
            "gateway.colour",
            "MAINSTAY__GATEWAY__COLOUR",
            "gateway.max_request_bytes: must be 1 to",
            "MAINSTAY__GATEWAY__MAX_REQUEST_BYTES",
            "mode",
            "MAINSTAY__MODE",
            "has 6 problems",
        ],
    );
    assert!(!folder.path().join("data").exists(), "nothing is made before the configuration is good");
}

/// Form, values and what production misses, of all services: one start is enough to know them all.
#[tokio::test]
async fn what_production_misses_is_said_beside_everything_else() {
    let folder = notes::folder();
    let file = folder.path().join("mainstay.toml");
    fs::write(&file, "mode = \"production\"\nmax_requests = 0\n[auth]\nsession_idle_seconds = 1\ncolour = 1\n")
        .expect("a file can be written");
    let start = || {
        launch(&folder)
            .arguments(["--config".to_owned(), file.to_string_lossy().into_owned()])
            .environment("MAINSTAY__TELEMETRY__TRACE_RATIO", "7")
            .environment("MAINSTAY__SERVICES__KEYS__OTHER", "hunter22")
            .environment("MAINSTAY__FAILPOINT", "apply.begin=abort")
    };
    let common = [
        "max_requests: must be 1 to",
        "mainstay.toml:2",
        "telemetry.trace_ratio: must be between",
        "services.keys.other",
        "MAINSTAY__SERVICES__KEYS__OTHER",
        "failpoint: ",
        "MAINSTAY__FAILPOINT",
    ];
    let of_auth = [
        "auth.key_encryption_key: must be set in production",
        "set MAINSTAY__AUTH__KEY_ENCRYPTION_KEY",
        "auth.session_idle_seconds: must not be shorter",
        "mainstay.toml:4",
        "auth.colour: there is no such setting",
    ];
    let of_data = ["data.key_encryption_key: must be set in production", "set MAINSTAY__DATA__KEY_ENCRYPTION_KEY"];
    let of_others = ["services.auth.url: must be set", "services.keys.gateway: must be set in production"];
    for (launch, said) in [
        (start(), [&of_auth[..], &of_data].concat()),
        (start().role("auth").own_binary(), of_auth.to_vec()),
        (start().role("data").own_binary(), [&of_data[..], &of_others].concat()),
        (start().role("gateway").own_binary(), [&["services.data.url: must be set"][..], &of_others].concat()),
    ] {
        let printed = refused(launch).await;
        assert_says(&printed, &[&common[..], &said].concat());
        assert!(!printed.contains("hunter22"), "a secret is repeated: {printed}");
    }
}

/// Values that are well-formed and make no sense.
#[tokio::test]
async fn values_that_make_no_sense_are_named() {
    for (name, value, said) in [
        ("MAINSTAY__AUTH__ACCESS_TOKEN_SECONDS", "0", "auth.access_token_seconds"),
        ("MAINSTAY__AUTH__PASSWORD_HASHING__PARALLELISM", "0", "auth.password_hashing"),
        ("MAINSTAY__AUTH__DATABASE_POOL_SIZE", "0", "auth.database_pool_size"),
        ("MAINSTAY__GATEWAY__MAX_REQUEST_BYTES", "0", "gateway.max_request_bytes"),
        ("MAINSTAY__DATA__KEY_ENCRYPTION_KEY", "c2hvcnQ=", "data.key_encryption_key"),
        ("MAINSTAY__DATA__STORE__HEAVY_READERS", "0", "data.store.heavy_readers"),
        ("MAINSTAY__DATA__STORE__DATABASE_URL", "postgres://x", "data.store.database_url"),
        ("MAINSTAY__MAX_CONNECTIONS", "99999999999", "max_connections"),
        ("MAINSTAY__MAX_REQUESTS", "0", "max_requests"),
        ("MAINSTAY__WORKERS", "1000000", "workers"),
        ("MAINSTAY__TOKENS__ISSUER", " ", "tokens.issuer"),
        ("MAINSTAY__SERVICES__KEYS__OPERATOR", "0123456789abcdef0123456789abcdef", "services.keys.operator"),
        ("MAINSTAY__TELEMETRY__LOG", "a=b=c", "telemetry.log"),
        ("MAINSTAY__TELEMETRY__OTLP_ENDPOINT", "collector", "telemetry.otlp_endpoint"),
    ] {
        let printed = refused(launch(&notes::folder()).environment(name, value)).await;
        assert_says(&printed, &[said, name]);
        assert!(!printed.contains("c2hvcnQ="), "a secret is repeated: {printed}");
    }
    let nonsense = launch(&notes::folder()).environment("MAINSTAY__FAILPOINT", "nonsense");
    assert_says(&refused(nonsense).await, &["failpoint"]);
}

#[tokio::test]
async fn a_store_that_is_damaged_or_newer_is_left_alone() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    notes::create(&system.http(), "one").await;
    system.gateway.stop().await;
    let migrations = "__diesel_schema_migrations";
    system.run_sql(&format!("INSERT INTO {migrations} (version) VALUES ('99990101000000')")).await;
    let launch = system.gateway.launch().clone();
    assert_says(&refused(launch.clone()).await, &["99990101000000", "newer"]);
    system.run_sql(&format!("DELETE FROM {migrations} WHERE version = '99990101000000'")).await;
    system.gateway.restart().await;
    system.gateway.stop().await;

    let file = system.folder.path().join("data/data.sqlite");
    let noise: Vec<u8> = (0..9000_u32).map(|n| u8::try_from(n * 7919 % 251).unwrap_or(0)).collect();
    fs::write(&file, &noise).expect("a file can be written");
    assert_says(&refused(launch).await, &["data.sqlite", "damaged", "backup"]);
    assert_eq!(fs::read(&file).expect("the file is there"), noise, "nothing was written into it");
}

#[tokio::test]
async fn a_database_that_went_missing_is_no_first_start() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    notes::create(&system.http(), "one").await;
    system.gateway.stop().await;
    let data = system.folder.path().join("data");
    let away = system.folder.path().join("away");
    fs::create_dir(&away).expect("a folder can be made");
    for file in ["data.sqlite", "auth.sqlite"] {
        fs::rename(data.join(file), away.join(file)).expect("a file can be moved");
        let launch = system.gateway.launch().clone();
        assert_says(&refused(launch.clone()).await, &[file, "mainstay restore", "--accept-empty"]);
        assert!(!data.join(file).exists(), "nothing was made in its place");
        fs::write(data.join(file), "").expect("a file can be written");
        assert_says(&refused(launch).await, &[file, "--accept-empty"]);
        fs::rename(away.join(file), data.join(file)).expect("a file can be moved");
    }
    system.gateway.restart().await;
    notes::create(&system.http(), "two").await;
    system.gateway.stop().await;

    // The gateway's own only remembers.
    fs::remove_file(data.join("gateway.sqlite")).expect("a file can be removed");
    system.gateway.restart().await;
    system.gateway.stop().await;
    fs::remove_file(data.join("data.sqlite")).expect("a file can be removed");
    system.gateway.relaunch(|launch| launch.environment("MAINSTAY__ACCEPT_EMPTY", "true"));
    system.gateway.restart().await;
    notes::create(&system.http(), "one").await;
}

mod a_database_that_was_emptied_is_no_first_start {
    use super::*;

    #[tokio::test]
    async fn on_postgres() {
        let mut system = System::one(Engine::Postgres, notes::folder()).await;
        system.gateway.stop().await;
        system.run_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
        let printed = refused(system.gateway.launch().clone()).await;
        assert_says(&printed, &["the PostgreSQL database", "mainstay restore", "--accept-empty"]);
        system.gateway.relaunch(|launch| launch.environment("MAINSTAY__ACCEPT_EMPTY", "true"));
        system.gateway.restart().await;
        notes::create(&system.http(), "one").await;
    }
}

#[tokio::test]
async fn a_file_that_is_deleted_under_a_running_server_takes_no_more_writes_and_readiness_says_so() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    let http = system.http();
    notes::create(&http, "one").await;
    let file = system.folder.path().join("data/data.sqlite");
    fs::rename(&file, file.with_extension("away")).expect("a file can be moved");
    let refused = http.post("/notes/v1/notes?noteId=two", notes::note("two")).await;
    refused.refusal(503, "UNAVAILABLE");
    until("readiness says so", || async { (http.get("/readyz").await.status == 503).then_some(()) }).await;
    fs::rename(file.with_extension("away"), &file).expect("a file can be moved");
    until("readiness says so", || async { (http.get("/readyz").await.status == 200).then_some(()) }).await;
    notes::create(&http, "three").await;
    system.gateway.stop().await;
}

mod a_database_that_is_newer_is_left_alone {
    use super::*;

    #[tokio::test]
    async fn on_postgres() {
        let mut system = System::one(Engine::Postgres, notes::folder()).await;
        system.gateway.stop().await;
        system.run_sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')").await;
        assert_says(&refused(system.gateway.launch().clone()).await, &["99990101000000", "newer"]);
    }
}

#[tokio::test]
async fn a_database_out_of_reach_is_named_without_its_password() {
    for section in ["AUTH", "DATA", "GATEWAY"] {
        let url = "postgres://somebody:hunter22@127.0.0.1:1/nowhere";
        let name = format!("MAINSTAY__{section}__DATABASE_URL");
        let printed = refused(launch(&notes::folder()).environment(&name, url)).await;
        assert_says(&printed, &[&section.to_lowercase(), "127.0.0.1:1"]);
        assert!(!printed.contains("hunter22"), "{printed}");
    }
}

/// S31: there are no default secrets.
#[tokio::test]
async fn s31_production_does_not_start_on_made_up_keys() {
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let production = |folder: &Folder| launch(folder).environment("MAINSTAY__MODE", "production");
    let folder = notes::folder();
    let neither = refused(production(&folder)).await;
    assert_says(&neither, &["auth.key_encryption_key", "data.key_encryption_key", "openssl rand -base64 32"]);
    let with_auth = production(&folder).environment("MAINSTAY__AUTH__KEY_ENCRYPTION_KEY", key);
    assert_says(&refused(with_auth).await, &["data.key_encryption_key", "openssl rand -base64 32"]);
    for made in ["auth.key", "keys/data", "keys/service-gateway"] {
        assert!(!folder.path().join("data").join(made).exists(), "{made} was made up");
    }
    let failpoint = production(&folder).environment("MAINSTAY__FAILPOINT", "apply.begin=abort");
    assert_says(&refused(failpoint).await, &["failpoint", "production"]);
}

/// S4: links in mails lead to a configured place, or no mail is sent.
#[tokio::test]
async fn s04_production_does_not_send_mail_whose_links_lead_nowhere() {
    let folder = notes::folder();
    let sends = |mode: &str| {
        let launch = launch(&folder).environment("MAINSTAY__MODE", mode);
        launch.environment("MAINSTAY__AUTH__MAIL__SMTP__HOST", "smtp.example.org")
    };
    let missing = ["public_url: must be set where auth.mail.smtp", "auth.mail.from: must be set"];
    assert_says(&refused(sends("production")).await, &missing);
    let said = refused(sends("development")).await;
    assert_says(&said, &["auth.mail.from: must be set"]);
    assert!(!said.contains("public_url"), "development has a place: {said}");
    let open = sends("production")
        .environment("MAINSTAY__PUBLIC_URL", "http://shop.example.org")
        .environment("MAINSTAY__AUTH__MAIL__SMTP__SECURITY", "none");
    assert_says(
        &refused(open).await,
        &["public_url: is http://", "begin it with https://", "auth.mail.smtp.security: must be tls"],
    );
    let nowhere = sends("production").environment("MAINSTAY__PUBLIC_URL", "shop.example.org/?a=b");
    assert_says(&refused(nowhere).await, &["public_url", "write https://shop.example.org"]);
}

#[tokio::test]
async fn a_key_that_others_can_read_is_not_used() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    system.gateway.stop().await;
    for name in ["auth.key", "keys/data", "keys/service-gateway"] {
        let path = system.folder.path().join("data").join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a file has a mode");
        assert_says(&refused(system.gateway.launch().clone()).await, &[name, "chmod 600"]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file has a mode");
    }
    system.gateway.restart().await;
}

#[tokio::test]
async fn a_database_of_another_data_directory_names_the_key_that_it_wants() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut system = System::one(engine, notes::folder()).await;
        system.gateway.stop().await;
        let data = system.folder.path().join("data");
        for (section, name) in [("auth", "auth.key"), ("data", "keys/data")] {
            let (key, kept) = (data.join(name), data.join("kept"));
            fs::rename(&key, &kept).expect("a file can be moved");
            let wanted = [format!("{section}.key_encryption_key"), format!("{section}.database_url")];
            let printed = refused(system.gateway.launch().clone()).await;
            assert_says(&printed, &[&key.to_string_lossy(), "data directory", &wanted[0], &wanted[1]]);
            fs::rename(&kept, &key).expect("a file can be moved");
        }
        system.gateway.restart().await;
    }
}

#[tokio::test]
async fn a_process_of_three_must_know_where_the_others_are() {
    let folder = notes::folder();
    assert_says(
        &refused(launch(&folder).role("gateway")).await,
        &["services.auth.url", "MAINSTAY__SERVICES__AUTH__URL"],
    );
    assert_says(&refused(launch(&folder).role("data")).await, &["services.auth.url"]);
}

#[tokio::test]
async fn an_origin_that_no_browser_sends_and_an_open_door_in_production_are_refused() {
    let folder = notes::folder();
    let said = |origins: &'static str| {
        let launch = launch(&folder).environment("MAINSTAY__GATEWAY__CORS__ORIGINS", origins);
        refused(launch.environment("MAINSTAY__GATEWAY__CORS__PREFLIGHT_SECONDS", "86401"))
    };
    let printed = said("https://app.example.com,*").await;
    assert_says(&printed, &["gateway.cors.origins", "MAINSTAY__GATEWAY__CORS__ORIGINS", "name each origin"]);
    let printed = said("https://app.example.com/").await;
    assert_says(&printed, &["gateway.cors.origins", "ends with a slash"]);
    let printed = said("https://app.example.com").await;
    assert_says(&printed, &["gateway.cors.preflight_seconds", "must be 0 to 86400"]);
    let production = launch(&folder)
        .environment("MAINSTAY__MODE", "production")
        .environment("MAINSTAY__GATEWAY__CORS__LOOPBACK", "true");
    assert_says(&refused(production).await, &["gateway.cors.loopback", "production", "gateway.cors.origins"]);
}

#[tokio::test]
async fn what_does_not_go_together_before_the_first_byte_is_said() {
    let folder = notes::folder();
    let file = folder.path().join("mainstay.toml");
    let text = "proxy_protocol = true\n[tls]\ncert_file = \"none.pem\"\nkey_file = \"none.key\"\nclient_auth = \"required\"\n\
                certificates = [{cert_file = \"other.pem\", key_file = \"other.key\"}]\n";
    fs::write(&file, text).expect("a file can be written");
    let arguments = ["--config".to_owned(), file.to_string_lossy().into_owned()];
    let printed = refused(launch(&folder).arguments(arguments)).await;
    let parts = [
        "proxy_protocol",
        "trusted_proxies",
        "tls.cert_file",
        "none.pem",
        "tls.certificates.0.cert_file",
        "other.pem",
        "tls.client_auth",
        "tls.client_ca_file",
    ];
    assert_says(&printed, &parts);
    let own = launch(&folder)
        .environment("MAINSTAY__PROXY_PROTOCOL", "true")
        .environment("MAINSTAY__TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.0/8");
    assert_says(&refused(own).await, &["proxy_protocol", "this machine", "proxy_header"]);
}
