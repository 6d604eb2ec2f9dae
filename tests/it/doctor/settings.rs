//! Settings that a start would refuse, or that production must not have.

use std::fs;

use mainstay_testkit::server::Launch;

use super::{assert_told, doctor, set_mode};
use crate::support::notes;

/// S31: each unsafe setting is told.
#[tokio::test]
async fn s31_what_production_must_not_have_fails_the_doctor() {
    let folder = notes::folder();
    let file = folder.path().join("mainstay.toml");
    fs::write(&file, "[auth]\nkey_encryption_key = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n")
        .expect("it is written");
    set_mode(&file, 0o644);
    let launch = Launch::new(folder.path())
        .environment("MAINSTAY__LISTEN", "0.0.0.0:8080")
        .environment("MAINSTAY__OPERATIONS_LISTEN", "0.0.0.0:9464")
        .environment("MAINSTAY__GATEWAY__CORS__LOOPBACK", "true")
        .environment("MAINSTAY__AUTH__PASSWORD_HASHING__MEMORY_KIB", "1024")
        .environment("MAINSTAY__GATEWAY__LIMITS__REDIS__URL", "redis://limits:BBBBBBBB@cache.invalid:6379")
        .environment("MAINSTAY__AUTH__DATABASE_URL", "postgres://mainstay:mainstay@db.invalid/auth");
    let config = file.to_string_lossy().into_owned();
    let (said, code) = doctor(&launch, &["--production", "--config", &config]);
    assert_eq!(code, Some(2), "{said:#}");
    for (level, place, words) in [
        ("problem", "mode", &["development", "MAINSTAY__MODE=production"][..]),
        ("problem", "data.key_encryption_key", &["must be set in production", "openssl rand"]),
        ("problem", "gateway.cors.loopback", &["remove it"]),
        ("problem", "auth.password_hashing", &["1024 KiB"]),
        ("problem", "auth.database_url", &["a password that everybody knows"]),
        ("problem", "auth.database_url", &["db.invalid:5432", "sslmode=verify-full"]),
        ("warning", "gateway.limits.redis.url", &["rediss://"]),
        ("problem", "tokens.issuer", &["public URL"]),
        ("problem", "mainstay.toml", &["0644", "chmod 600"]),
        ("warning", "listen", &["without TLS"]),
        ("warning", "operations_listen", &["127.0.0.1"]),
        ("problem", "auth (PostgreSQL)", &["db.invalid"]),
    ] {
        assert_told(&said, level, place, words);
    }
    assert!(
        ["mainstay:mainstay", "AAAAAAAA", "BBBBBBBB"].iter().all(|secret| !said.to_string().contains(secret)),
        "no secret is told"
    );
}

#[tokio::test]
async fn a_database_that_nobody_can_mean_and_logs_that_grow_are_told() {
    let folder = notes::folder();
    let launch = Launch::new(folder.path())
        .environment("MAINSTAY__AUTH__DATABASE_URL", "mysql://db.example.org/auth")
        .environment("MAINSTAY__TELEMETRY__LOG", "info,debug");
    let (said, code) = doctor(&launch, &[]);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "problem", "auth.database_url", &["postgres://"]);
    assert_told(&said, "note", "telemetry.log", &["info,debug", "logs grow fast", "set it to info"]);
    let (said, _) = doctor(&launch, &["--production"]);
    assert_told(&said, "warning", "telemetry.log", &["logs grow fast"]);
}

/// What production must not have is a note where the system is none.
#[tokio::test]
async fn what_only_production_must_not_have_is_a_note_in_development() {
    let folder = notes::folder();
    let launch = Launch::new(folder.path())
        .environment("MAINSTAY__AUTH__PASSWORD_HASHING__MEMORY_KIB", "1024")
        .environment("MAINSTAY__DATA__DATABASE_URL", "postgres://mainstay:postgres@127.0.0.1:1/data");
    let (said, _) = doctor(&launch, &[]);
    assert_told(&said, "note", "tokens.issuer", &["public URL"]);
    assert_told(&said, "note", "auth.password_hashing", &["1024 KiB", "remove it"]);
    assert_told(&said, "note", "data.database_url", &["a password that everybody knows", "openssl rand"]);
}
