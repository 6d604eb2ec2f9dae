//! What others read our access tokens with: npm's `jose` and PyPI's `joserfc`, by the keys that we publish.

use std::process::Command;

use mainstay_testkit::Engine;
use mainstay_testkit::both_engines;
use mainstay_testkit::tools::python_from;
use serde_json::{Value, json};

use super::workshop::{Workshop, sources};
use crate::support::{System, notes};

async fn others_verify_our_tokens(engine: Engine, algorithm: &str) {
    let change =
        |launch: mainstay_testkit::server::Launch| launch.environment("MAINSTAY__AUTH__SIGNING_ALGORITHM", algorithm);
    let system = System::one_with(engine, notes::folder(), change).await;
    let user = system.user("ada@example.org").await;
    let seen_by_jose = Workshop::of(&system, user.token(), "").program("tokens");
    let expected = json!({
        "alg": algorithm,
        "email": "ada@example.org",
        "otherClaims": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "otherAudience": "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "otherType": "ERR_JWT_CLAIM_VALIDATION_FAILED",
    });
    assert_eq!(seen_by_jose, [expected]);
    let mut python = Command::new(python_from(&sources().join("tokens.txt")));
    python.arg(sources().join("tokens.py")).env("MAINSTAY_URL", system.gateway.url()).env("USER_TOKEN", user.token());
    let output = python.output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let expected = json!({
        "alg": algorithm, "typ": "at+jwt", "email": "ada@example.org", "otherClaims": "bad_signature", "otherAudience": "invalid_claim",
    });
    assert_eq!(seen, expected);
}

both_engines! {
    async fn jose_and_joserfc_verify_tokens_of_ed25519(engine: Engine) {
        others_verify_our_tokens(engine, "EdDSA").await;
    }

    async fn jose_and_joserfc_verify_tokens_of_p_256(engine: Engine) {
        others_verify_our_tokens(engine, "ES256").await;
    }
}
