//! Files that others may read or write.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mainstay_testkit::Engine;
use mainstay_testkit::server::{Launch, free_port};

use super::{assert_told, doctor, set_mode};
use crate::support::{System, notes};

#[tokio::test]
async fn files_that_others_can_read_are_named_and_the_key_folder_is_made_for_its_owner_only() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let data = system.folder.path().join("data");
    let mode = fs::metadata(data.join("keys")).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    set_mode(&data.join("keys"), 0o755);
    set_mode(&data.join("auth.key"), 0o640);
    set_mode(&data.join("data.sqlite"), 0o644);
    set_mode(&data, 0o777);
    let (said, code) = doctor(system.gateway.launch(), &[]);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "warning", "data/keys", &["0755", "chmod 700"]);
    assert_told(&said, "problem", "auth.key", &["0640", "chmod 600"]);
    assert_told(&said, "problem", "data.sqlite", &["0644"]);
    assert_told(&said, "problem", "/data", &["no server starts in it", "chmod 700"]);
    let data = data.to_string_lossy().into_owned();
    let elsewhere = Launch::new(system.folder.path()).environment("MAINSTAY__DATA_DIR", data).port(free_port());
    let (printed, code) = elsewhere.refused().await;
    assert!(code == Some(1) && printed.contains("0777") && printed.contains("chmod 700"), "{printed}");
}

#[tokio::test]
async fn a_data_directory_that_is_not_there_or_is_open_to_others_is_told() {
    let folder = notes::folder();
    let launch = Launch::new(folder.path());
    let (said, code) = doctor(&launch, &[]);
    assert_eq!(code, Some(0), "{said:#}");
    assert_told(&said, "warning", "/data", &["no server ever started in it", "--data-dir"]);
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("it can be made");
    for (mode, words) in
        [(0o770, &["its group may write into it", "0770"][..]), (0o755, &["others may look into it", "0755"])]
    {
        set_mode(&data, mode);
        let (said, code) = doctor(&launch, &[]);
        assert_eq!(code, Some(0), "{said:#}");
        assert_told(&said, "warning", "/data", &[words, &["chmod 700"]].concat());
    }
}

#[tokio::test]
async fn files_beside_a_store_are_looked_at_and_whose_they_are() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let data = system.folder.path().join("data");
    for name in ["data.sqlite-wal", "run.json"] {
        set_mode(&data.join(name), 0o604);
    }
    let (said, _) = doctor(system.gateway.launch(), &[]);
    for name in ["data.sqlite-wal", "run.json"] {
        assert_told(&said, "problem", name, &["0604", "chmod 600", "nobody has copied it"]);
    }
    let file = data.join("auth.key");
    if chown(&file, Some(65_534), None).is_err() {
        eprintln!("a file of somebody else is not shown on this machine: giving files away takes root");
        return;
    }
    let (said, code) = doctor(system.gateway.launch(), &[]);
    let owner = fs::metadata(&data).expect("it is there").uid();
    assert_eq!(code, Some(2));
    assert_told(&said, "problem", "auth.key", &["belongs to user 65534", &format!("chown {owner}")]);
}

#[tokio::test]
async fn a_key_of_tls_that_every_user_may_read_is_told() {
    let folder = notes::folder();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate can be made");
    fs::write(&certificate, made.cert.pem()).expect("it is written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("it is written");
    let launch = Launch::new(folder.path()).tls(&certificate, &key);
    for (mode, told) in [(0o604, true), (0o640, false)] {
        set_mode(&key, mode);
        let (said, _) = doctor(&launch, &[]);
        assert_eq!(said.to_string().contains("every user may read it"), told, "{said:#}");
        if told {
            assert_told(&said, "problem", "tls.key_file", &["tls.key", "chmod 640"]);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_over_or_soon_will_be_is_told() {
    let folder = notes::folder();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let launch = Launch::new(folder.path()).tls(&certificate, &key);
    let day = Duration::from_secs(24 * 60 * 60);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    for (end, level) in [(now - day, "problem"), (now + 13 * day, "warning")] {
        let mut params = rcgen::CertificateParams::new(vec!["shop.example.org".to_owned()]).expect("a name");
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + end;
        let pair = rcgen::KeyPair::generate().expect("a key can be made");
        let made = params.self_signed(&pair).expect("a certificate can be made");
        fs::write(&certificate, made.pem()).expect("it is written");
        fs::write(&key, pair.serialize_pem()).expect("it is written");
        set_mode(&key, 0o600);
        let (said, _) = doctor(&launch, &[]);
        assert_told(&said, level, "tls.crt", &["shop.example.org", "renew it"]);
    }
}
