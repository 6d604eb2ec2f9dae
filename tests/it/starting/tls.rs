//! With a certificate, the one port speaks TLS: HTTP/2 and HTTP/1.1.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use mainstay_testkit::tools::{curl, grpcurl};

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
async fn a_hangup_reads_the_certificate_again_and_a_bad_one_leaves_the_one_before() {
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
    let first = system.folder.path().join("first.pem");
    fs::copy(&certificate, &first).expect("a file can be copied");
    assert!(trusts(&first));

    renew(system.folder.path());
    assert!(trusts(&first) && !trusts(&certificate), "nothing changes before the hangup");
    system.gateway.hang_up();
    system.gateway.logged("the certificate was reloaded").await;
    assert!(trusts(&certificate) && !trusts(&first));

    let second = system.folder.path().join("second.pem");
    fs::copy(&certificate, &second).expect("a file can be copied");
    fs::write(&certificate, "nonsense").expect("a file can be written");
    system.gateway.hang_up();
    system.gateway.logged("the certificate was not reloaded; the old one stays").await;
    assert!(system.gateway.log().contains("server.pem"), "{}", system.gateway.log());
    assert!(trusts(&second));
}
