//! With a certificate, the one port speaks TLS: HTTP/2 and HTTP/1.1.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::free_port;
use mainstay_testkit::tools::{curl, grpcurl};
use mainstay_testkit::wait::until;

use crate::support::{System, notes};

#[tokio::test]
async fn the_port_speaks_both_versions_of_http_over_tls_and_nothing_without() {
    let folder = notes::folder();
    let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let made = made.expect("a certificate can be made");
    fs::write(&certificate, made.cert.pem()).expect("a file can be written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file can be written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a file has a mode");
    let system = System::one_with(Engine::Sqlite, folder, |launch| launch.tls(&certificate, &key)).await;

    let authority = certificate.to_string_lossy().into_owned();
    let url = format!("{}/notes/v1/notes", system.gateway.url());
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let arguments = ["--cacert", &authority, flag, "-D", "-", "-o", "/dev/null", &url];
        let (status, headers) = curl(&arguments);
        let headers = headers.as_str().unwrap_or_default().to_owned();
        assert_eq!(status, 200, "{headers}");
        assert!(headers.starts_with(&format!("HTTP/{version} 200")), "{headers}");
    }
    let grpc = std::process::Command::new(grpcurl())
        .args(["-cacert", &authority, &system.gateway.address(), "list"])
        .output()
        .expect("grpcurl runs");
    let listed = String::from_utf8_lossy(&grpc.stdout).into_owned();
    assert!(listed.contains("notes.v1.NoteService"), "{listed}{}", String::from_utf8_lossy(&grpc.stderr));

    let plain = Http::new(&format!("http://{}", system.gateway.address())).try_get("/notes/v1/notes").await;
    assert!(plain.is_err(), "nothing is served without TLS: {plain:?}");

    // The command line knows the certificate from the configuration.
    let plan = system.gateway.command(&["contract", "plan"]);
    assert!(plan.contains("up to date"), "{plan}");
}

/// Writes a certificate for this machine into the folder.
fn renew(folder: &std::path::Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let made = made.expect("a certificate can be made");
    fs::write(&certificate, made.cert.pem()).expect("a file can be written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file can be written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a file has a mode");
    (certificate, key)
}

#[tokio::test]
async fn a_certificate_is_followed_and_a_bad_one_leaves_the_one_before() {
    let folder = notes::folder();
    let (certificate, key) = renew(folder.path());
    let system = System::one_with(Engine::Sqlite, folder, |launch| launch.tls(&certificate, &key)).await;
    let url = format!("{}/healthz", system.gateway.url());
    // Whether curl gets an answer, and not whether the server gives one: a certificate that is not trusted ends it.
    let trusts = |authority: &std::path::Path| {
        let mut asked = std::process::Command::new("curl");
        asked.args(["--silent", "--fail", "--cacert"]).arg(authority).arg(&url);
        asked.output().expect("curl runs").status.success()
    };
    let copy = |name: &str| {
        let copy = system.folder.path().join(name);
        fs::copy(&certificate, &copy).expect("a file can be copied");
        copy
    };
    let first = copy("first.pem");
    assert!(trusts(&first));

    renew(system.folder.path());
    system.gateway.logged("a certificate was reloaded").await;
    assert!(trusts(&certificate) && !trusts(&first), "it was noticed without a word");

    let second = copy("second.pem");
    fs::write(&certificate, "nonsense").expect("a file can be written");
    system.gateway.logged("a certificate was not reloaded; the one before stays").await;
    assert!(system.gateway.log().contains("server.pem"), "{}", system.gateway.log());
    assert!(trusts(&second));

    let reloaded = async |times: usize| {
        let count =
            || async { (system.gateway.log().matches("a certificate was reloaded").count() == times).then_some(()) };
        until(&format!("certificates were reloaded {times} times"), count).await;
    };
    renew(system.folder.path());
    reloaded(2).await;
    assert!(trusts(&certificate));
    // Nothing has changed, and they are read all the same.
    system.gateway.hang_up();
    reloaded(3).await;
}

#[tokio::test]
async fn clients_are_asked_for_certificates_and_plain_http_leads_to_https() {
    let folder = notes::folder();
    let (certificate, key) = renew(folder.path());
    let (plain, operations) = (free_port(), free_port());
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let (certificate, key) = (text(&certificate), text(&key));
    let system = System::one_with(Engine::Sqlite, folder, |launch| {
        launch
            .tls(certificate.as_ref(), key.as_ref())
            .environment("MAINSTAY__TLS__CLIENT_CA_FILE", certificate.as_str())
            .environment("MAINSTAY__TLS__REDIRECT_HTTP", format!("127.0.0.1:{plain}"))
            .environment("MAINSTAY__OPERATIONS_LISTEN", format!("127.0.0.1:{operations}"))
    })
    .await;
    let url = format!("{}/notes/v1/notes", system.gateway.url());
    let asks = |more: &[&str]| {
        let mut asked = std::process::Command::new("curl");
        asked.args(["--silent", "--fail", "--cacert", certificate.as_str()]).args(more).arg(&url);
        asked.output().expect("curl runs").status.success()
    };
    assert!(asks(&["--cert", certificate.as_str(), "--key", key.as_str()]) && !asks(&[]));
    let plan = ["contract", "plan", "--cert-file", certificate.as_str(), "--key-file", key.as_str()];
    let plan = system.gateway.command(&plan);
    assert!(plan.contains("up to date"), "{plan}");

    let from = format!("http://localhost:{plain}/notes/v1/notes?pageSize=1");
    let arguments = ["-o", "/dev/null", "-w", "%{redirect_url} %{http_code}", from.as_str()];
    let led = std::process::Command::new("curl").arg("--silent").args(arguments).output().expect("curl runs");
    let port = system.gateway.address().rsplit(':').next().map(ToOwned::to_owned).expect("a port");
    let led = String::from_utf8_lossy(&led.stdout).into_owned();
    assert_eq!(led, format!("https://localhost:{port}/notes/v1/notes?pageSize=1 308"));

    let metrics = Http::new(&format!("http://127.0.0.1:{operations}")).get("/metrics").await.text();
    let told = metrics.lines().find(|line| line.starts_with("mainstay_tls_certificate_not_after_seconds{"));
    assert!(told.is_some_and(|line| line.contains("name=\"localhost\"")), "{told:?}");
}
