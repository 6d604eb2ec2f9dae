//! A running system is backed up, tried out and restored.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use mainstay_testkit::Engine;
use mainstay_testkit::cluster::Cluster;
use mainstay_testkit::server::{Launch, binary};
use mainstay_testkit::tools::must_have;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::readme::block;
use crate::support::{Folder, PASSWORD, System, notes, stores};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";

/// Runs the commands where `make run` was started.
fn back_up(folder: &Path) {
    let programs = binary().parent().expect("a binary is in a folder").to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new(must_have("bash"));
    let output =
        shell.args(["-e", "-u", "-c", &block("<!-- backup", "sh")]).env("PATH", path).current_dir(folder).output();
    let output = output.expect("the shell runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output));
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// Writes a key for backups.
fn key(folder: &Path) -> PathBuf {
    let path = folder.join("backup.key");
    fs::write(&path, KEY).expect("a file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode can be set");
    path
}

/// Runs a command that works on backups, sealed by the folder's key.
fn run(system: &System, arguments: &[&str]) -> Output {
    let key = key(system.folder.path()).to_string_lossy().into_owned();
    system.command(&[arguments, &["--key-file", &key]].concat())
}

#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    text(output)
}

#[track_caller]
fn refused(output: &Output, parts: &[&str]) {
    let text = text(output);
    assert!(!output.status.success() && parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
    assert!(!text.contains("panicked"), "{text}");
}

fn backups(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[tokio::test]
async fn a_running_server_is_backed_up_whole_with_its_accounts_and_keys() {
    let folder = Folder::shop();
    let data_dir = folder.path().join("var/mainstay").to_string_lossy().into_owned();
    let launch = Launch::new(folder.path()).contracts(&folder.contracts());
    let server = launch.clone().environment("MAINSTAY__DATA_DIR", data_dir).start().await;
    let session = json!({"email": "ada@example.org", "password": PASSWORD});
    server.http().post("/auth/v1/accounts:signUp", session.clone()).await.ok();
    let signed_in = server.http().post("/auth/v1/sessions:signIn", session.clone()).await.ok();
    let token = signed_in["accessToken"].as_str().expect("a session has an access token").to_owned();
    let order = server.http().with_token(&token).post("/shop/v1/orders?orderId=first", json!({})).await.ok();

    back_up(folder.path());
    let late = server.http().with_token(&token).post("/shop/v1/orders?orderId=late", json!({})).await;
    late.ok();
    drop(server);

    let restored = folder.path().join("var/restored");
    assert_eq!((mode(&restored), mode(&restored.join("keys"))), (0o700, 0o700));
    assert_eq!((mode(&restored.join("auth.key")), mode(&restored.join("data.sqlite"))), (0o600, 0o600));
    let restored = restored.to_string_lossy().into_owned();
    let restored = launch.environment("MAINSTAY__DATA_DIR", restored).start().await;
    let http = restored.http().with_token(&token);
    assert_eq!(http.get("/shop/v1/orders/first").await.ok(), order, "the token's key was backed up with the order");
    http.get("/shop/v1/orders/late").await.refusal(404, "NOT_FOUND");
    restored.http().post("/auth/v1/sessions:signIn", session).await.ok();
}

mainstay_testkit::both_engines! {
    async fn a_backup_is_tried_out_and_restored_on_either_engine(engine: Engine) {
        let system = System::one(engine, notes::folder()).await;
        notes::create(&system.http(), "one").await;
        system.sign_up("ada@example.org").await;
        done(&run(&system, &["backup", "b.backup"]));
        let printed = done(&run(&system, &["restore", "--verify", "b.backup"]));
        assert!(printed.contains("contract   ok, 1 resources") && printed.contains("verified"), "{printed}");
        notes::create(&system.http(), "late").await;

        let folder = system.folder.path();
        let key = key(folder).to_string_lossy().into_owned();
        let (_places, launch) = stores(engine, Launch::new(folder)).await;
        let restored = folder.join("restored").to_string_lossy().into_owned();
        let launch = launch.environment("MAINSTAY__DATA_DIR", restored);
        let restore = ["restore", "b.backup", "--key-file", &key];
        done(&launch.command(&restore));
        refused(&launch.command(&restore), &["is not empty", "goes over nothing"]);
        if engine == Engine::Postgres {
            let elsewhere = launch.clone().environment("MAINSTAY__DATA_DIR", folder.join("new").to_string_lossy());
            refused(&elsewhere.command(&restore), &["the database of gateway is not empty", "createdb"]);
        }
        let server = launch.start().await;
        let found = notes::all(&server.http()).await;
        assert_eq!(found.keys().collect::<Vec<_>>(), ["one"], "what came after the backup is not in it");
        let session = json!({"email": "ada@example.org", "password": PASSWORD});
        server.http().post("/auth/v1/sessions:signIn", session).await.ok();
        notes::create(&server.http(), "two").await;
    }
}

/// How many writes come before the backup, unless `MAINSTAY_TEST_BACKUP_WRITES` says it: with many, the ratio that is printed says
/// something.
fn writes_before() -> usize {
    std::env::var("MAINSTAY_TEST_BACKUP_WRITES").map_or(600, |text| text.parse().expect("it is a number"))
}

/// As in [`crate::failures`], with a backup in the place of the kill.
const CLIENTS: usize = 64;

#[tokio::test]
async fn a_backup_under_the_load_of_many_writers_has_every_write_that_was_acknowledged_before_it() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (http, acknowledged, stop) = (system.http(), Arc::clone(&acknowledged), Arc::clone(&stop));
        clients.spawn(async move {
            for number in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                let id = format!("c{client}-{number}");
                notes::create(&http, &id).await;
                acknowledged.lock().expect("no client panicked with the lock").insert(id);
            }
        });
    }
    let count = || acknowledged.lock().expect("no client panicked with the lock").len();
    let began = Instant::now();
    let enough = writes_before();
    while count() < enough {
        let so_far = count();
        until("one more create is acknowledged", || async { (count() > so_far).then_some(()) }).await;
    }
    let alone = so_many(count()) / began.elapsed().as_secs_f64();
    let (from, backup_began) = (count(), Instant::now());
    let before = acknowledged.lock().expect("no client panicked with the lock").clone();
    let (launch, key) = (system.gateway.launch().clone(), key(system.folder.path()).to_string_lossy().into_owned());
    let taken = move || launch.command(&["backup", "under-load.backup", "--key-file", &key]);
    done(&tokio::task::spawn_blocking(taken).await.expect("the command runs"));
    let beside = so_many(count() - from) / backup_began.elapsed().as_secs_f64();
    println!(
        "writes per second: {alone:.0} before the backup, {beside:.0} beside it, a ratio of {:.2}",
        beside / alone
    );
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.expect("every create is acknowledged, during the backup too");
    }
    done(&run(&system, &["restore", "--verify", "under-load.backup"]));

    let restored = system.folder.path().join("restored").to_string_lossy().into_owned();
    done(&run(&system, &["restore", "under-load.backup", "--data-dir", &restored]));
    let launch = system.gateway.launch().clone().environment("MAINSTAY__DATA_DIR", restored);
    let server = launch.port(mainstay_testkit::server::free_port()).start().await;
    let found = notes::all(&server.http()).await;
    let lost: Vec<&String> = before.iter().filter(|id| !found.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged notes are lost: {lost:?}", lost.len(), before.len());
    found.values().for_each(|note| notes::assert_whole(note, 0));
}

#[tokio::test]
async fn three_processes_are_backed_up_by_one_command_or_each_by_its_own() {
    let mut system = System::three(Engine::Sqlite, notes::folder()).await;
    notes::create(&system.http(), "one").await;
    let printed = done(&run(&system, &["backup", "all/", "--json"]));
    let said: Value = serde_json::from_str(&printed).expect("it is JSON");
    let services: Vec<&str> =
        said["manifest"]["stores"].as_array().expect("stores").iter().filter_map(|s| s["service"].as_str()).collect();
    assert_eq!(services, ["gateway", "data", "auth"], "what refers comes before what is referred to");
    assert_eq!(said["manifest"]["stores"][1]["tables"]["notes_v1_note"], 1);
    let file = said["file"].as_str().expect("a file").to_owned();
    done(&run(&system, &["restore", "--verify", &file]));
    let one = done(&run(&system, &["backup", "data.backup", "--only", "data", "--json"]));
    let one: Value = serde_json::from_str(&one).expect("it is JSON");
    assert_eq!(one["manifest"]["stores"].as_array().map(Vec::len), Some(1));
    done(&run(&system, &["restore", "--verify", "data.backup"]));

    // The one-process server takes over what the three had.
    for server in [&mut system.gateway].into_iter().chain(&mut system.auth).chain(&mut system.data) {
        server.stop().await;
    }
    let restored = system.folder.path().join("restored").to_string_lossy().into_owned();
    done(&run(&system, &["restore", &file, "--data-dir", &restored]));
    let launch = Launch::new(system.folder.path()).environment("MAINSTAY__DATA_DIR", restored);
    let server = launch.start().await;
    assert!(notes::all(&server.http()).await.contains_key("one"));
}

#[tokio::test]
async fn what_cannot_be_backed_up_or_restored_is_said_and_nothing_is_touched() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let folder = system.folder.path();
    notes::create(&system.http(), "one").await;
    done(&run(&system, &["backup", "good.backup"]));
    assert_eq!(mode(&folder.join("good.backup")), 0o600);
    let before = fs::read(folder.join("good.backup")).expect("it is there");

    refused(&run(&system, &["backup", "good.backup"]), &["good.backup exists", "overwrites nothing"]);
    std::os::unix::fs::symlink("nowhere", folder.join("link")).expect("a link can be made");
    refused(&run(&system, &["backup", "link"]), &["link", "leads nowhere"]);
    refused(&run(&system, &["backup", "b", "--data-dir", "elsewhere"]), &["elsewhere", "--data-dir", "--only"]);
    refused(&system.command(&["backup", "b"]), &["--passphrase-stdin", "--key-file"]);
    refused(&system.command(&["backup", "b", "--key-file", "nowhere"]), &["nowhere", "openssl rand -base64 32"]);
    refused(&run(&system, &["restore", "good.backup"]), &["is not empty", "mv ", "--data-dir"]);
    refused(&run(&system, &["restore", "nowhere", "--data-dir", "new"]), &["nowhere", "cannot be read"]);

    let mut altered = before.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(folder.join("altered.backup"), altered).expect("a file can be written");
    fs::write(folder.join("short.backup"), &before[..middle]).expect("a file can be written");
    for file in ["altered.backup", "short.backup"] {
        refused(&run(&system, &["restore", file, "--data-dir", "new"]), &[file, "was cut off or changed"]);
        refused(&run(&system, &["restore", "--verify", file]), &[file, "was cut off or changed"]);
        let left = backups(&folder.join("new")).into_iter().filter(|path| !path.ends_with("lock")).count();
        assert_eq!(left, 0, "nothing of it was restored");
    }
    fs::write(folder.join("newer.backup"), "mainstay backup 2\n{}\n\n").expect("a file can be written");
    refused(&run(&system, &["restore", "newer.backup", "--data-dir", "new"]), &["format 2", "newer"]);
    let url = ["--data-dir", "new"];
    let launch =
        system.gateway.launch().clone().environment("MAINSTAY__AUTH__DATABASE_URL", "postgres://u@127.0.0.1:1/d");
    let key = key(folder).to_string_lossy().into_owned();
    let output = launch.command(&["restore", "good.backup", "--key-file", &key, url[0], url[1]]);
    refused(&output, &["auth on sqlite", "unset auth.database_url"]);

    assert!(!folder.join(".mainstay-unfinished").exists(), "nothing unfinished is left");
    assert_eq!(fs::read(folder.join("good.backup")).expect("it is there"), before);
    assert!(notes::all(&system.http()).await.contains_key("one"), "the server has not noticed");
    done(&run(&system, &["restore", "good.backup", "--data-dir", "new"]));
}

#[tokio::test]
async fn a_passphrase_seals_and_another_one_is_told() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let data = system.folder.path().join("data");
    let with = |passphrase: &str, arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(arguments).args(["--passphrase-stdin", "--data-dir"]).arg(&data).current_dir(system.folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.as_mut().expect("the binary starts");
        // Who refuses before it reads has closed the pipe.
        let _ = child.stdin.take().expect("a pipe").write_all(passphrase.as_bytes());
        let mut output = Output { status: child.wait().expect("it ends"), stdout: Vec::new(), stderr: Vec::new() };
        std::io::Read::read_to_end(child.stdout.as_mut().expect("a pipe"), &mut output.stdout).expect("it is read");
        std::io::Read::read_to_end(child.stderr.as_mut().expect("a pipe"), &mut output.stderr).expect("it is read");
        output
    };
    refused(&with("short\n", &["backup", "b.backup"]), &["12 characters"]);
    done(&with("four words nobody guesses\n", &["backup", "b.backup"]));
    refused(
        &with("four words somebody guesses\n", &["restore", "--verify", "b.backup"]),
        &["does not open", "passphrase"],
    );
    let printed = done(&with("four words nobody guesses", &["restore", "--verify", "b.backup"]));
    assert!(printed.contains("keys       ok") && printed.contains("verified"), "{printed}");
    refused(&run(&system, &["restore", "--verify", "b.backup"]), &["--passphrase-stdin"]);
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_nothing_that_looks_whole() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    system.gateway.stop().await;
    notes::fill(&system, Engine::Sqlite, 100_000).await;
    let folder = system.folder.path().join("backups");
    let key = key(system.folder.path());
    for signal in ["-KILL", "-TERM"] {
        let mut command = Command::new(binary());
        command.arg("backup").arg(format!("{}/", folder.display())).arg("--key-file").arg(&key);
        command.arg("--data-dir").arg(system.folder.path().join("data")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary starts");
        let unfinished = folder.join(".mainstay-unfinished");
        let pid = child.id().to_string();
        // The folder may be one that a killed process left: who works in it has its number there.
        let copying = || async {
            let is_its_own = fs::read_to_string(unfinished.join("lock")).is_ok_and(|text| text == pid);
            (is_its_own && unfinished.join("copies/data.sqlite").exists()).then_some(())
        };
        until("the data service's store is being copied", copying).await;
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        assert!(!child.wait().expect("it ends").success());
        let left: Vec<PathBuf> =
            backups(&folder).into_iter().filter(|path| path.extension().is_some_and(|e| e == "backup")).collect();
        assert!(left.is_empty(), "{signal}: {left:?}");
    }
    assert_eq!(backups(&folder).len(), 0, "who is asked to end clears up, also what a killed one left");
    done(&run(&system, &["backup", "backups/"]));
    assert_eq!(backups(&folder).len(), 1);
}

/// What a drill has made on PostgreSQL, and cannot remove because it is killed, the next one does; the doctor tells of it.
#[tokio::test]
async fn what_a_killed_drill_leaves_on_postgres_is_told_and_removed_by_the_next_one() {
    let cluster = Cluster::with(&["auth", "data", "gateway"]).await;
    let folder = notes::folder();
    let mut launch = Launch::new(folder.path()).contracts(&folder.contracts());
    for (section, database) in [("AUTH", "auth"), ("DATA", "data"), ("GATEWAY", "gateway")] {
        launch = launch.environment(format!("MAINSTAY__{section}__DATABASE_URL"), cluster.url(database));
    }
    let server = launch.start().await;
    notes::create(&server.http(), "one").await;
    let key = key(folder.path()).to_string_lossy().into_owned();
    done(&server.launch().command(&["backup", "b.backup", "--key-file", &key]));
    let drills = || cluster.run("SELECT datname FROM pg_database WHERE datname LIKE 'mainstay_drill_%'");

    let mut drill = server.launch().start_command(&["restore", "--verify", "b.backup", "--key-file", &key]);
    let name = until("a database is made for the drill", || async { drills().lines().next().map(str::to_owned) }).await;
    drill.kill().and_then(|()| drill.wait()).expect("it ends");
    let made = name.split('_').nth(2).expect("the name has a time").to_owned();
    let old = name.replace(&made, "1700000000");
    // A program of PostgreSQL that it had started may still be connected for a moment.
    until("nobody uses it", || async {
        cluster.try_run("postgres", &format!("ALTER DATABASE {name} RENAME TO {old}")).ok()
    })
    .await;

    let output = server.launch().command(&["doctor", "--json"]);
    let said = text(&output);
    assert!(said.contains(&old) && said.contains("left of a drill") && said.contains("DROP DATABASE"), "{said}");
    done(&server.launch().command(&["restore", "--verify", "b.backup", "--key-file", &key]));
    let left = drills();
    assert!(!left.contains(&old), "{left}");
    // What the killed one made a moment before may be of a drill that has only begun.
    assert!(left.lines().all(|name| name.contains(&made)), "{left}");
}

/// A count, to be divided.
fn so_many(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("fewer writes than that"))
}
