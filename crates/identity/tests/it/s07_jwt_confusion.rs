//! S7: tokens that other verifiers were confused by.

use base64::Engine;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{KeySet, MAX_TOKEN_BYTES, TokenError, read_unverified, verify_signed};
use proptest::prelude::*;
use serde_json::json;

use crate::forge::{AUDIENCE, Key, NOW, Source, claims, claims_with, clock, encode, verifier};

async fn verify(token: &str) -> Result<(), TokenError> {
    let key = Key::new("key-1", 1);
    verifier(&Source::of(&[&key]), &clock()).verify(token).await.map(|_| ())
}

fn key() -> Key {
    Key::new("key-1", 1)
}

fn with_header(header: &serde_json::Value) -> String {
    key().sign(&header.to_string(), &claims().to_string())
}

fn with_claims(changes: &serde_json::Value) -> String {
    key().sign(&key().header().to_string(), &claims_with(changes))
}

macro_rules! assert_refused {
    ($token:expr, $pattern:pat) => {
        let refused = verify(&$token).await;
        assert!(matches!(refused, Err($pattern)), "{refused:?}");
    };
}

#[tokio::test]
async fn the_token_that_all_others_are_variations_of_is_accepted() {
    verify(&key().token()).await.unwrap();
}

#[tokio::test]
async fn alg_none_is_refused_with_and_without_a_signature() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": "key-1"});
        assert_refused!(with_header(&header), TokenError::WrongAlgorithm);
        let unsigned = format!("{}.{}.", encode(header.to_string()), encode(claims().to_string()));
        assert_refused!(unsigned, TokenError::WrongAlgorithm);
    }
}

#[tokio::test]
async fn the_public_key_as_hmac_secret_is_refused() {
    let public = key().public();
    let secrets = [public.to_vec(), key().verifying().x().into_bytes()];
    for (secret, alg) in secrets.iter().flat_map(|secret| ["HS256", "EdDSA"].map(|alg| (secret, alg))) {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": "key-1"});
        let message = format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
        let hmac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        let token = format!("{message}.{}", encode(ring::hmac::sign(&hmac, message.as_bytes())));
        assert_refused!(token, TokenError::WrongAlgorithm | TokenError::BadSignature);
    }
}

#[tokio::test]
async fn other_algorithms_are_refused_even_with_a_right_signature() {
    for alg in ["HS256", "RS256", "ES256", "PS512", "EDDSA", "Ed25519", "Ed448", ""] {
        assert_refused!(with_header(&json!({"alg": alg, "typ": "at+jwt", "kid": "key-1"})), TokenError::WrongAlgorithm);
    }
}

#[tokio::test]
async fn signatures_of_zeros_and_of_the_wrong_length_are_refused() {
    let good = key().token();
    let message = good.rsplit_once('.').unwrap().0;
    for signature in [vec![0; 64], vec![], vec![0; 63], vec![0; 65], vec![255; 64]] {
        assert_refused!(format!("{message}.{}", encode(signature)), TokenError::BadSignature);
    }
}

/// The order of the group, L, little-endian (RFC 8032 §5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The values at which verifiers of Ed25519 have gone wrong, as Wycheproof's vectors have them: 0, 1, and the neighbours of
/// the order and of the prime 2^255 - 19; and all ones.
fn special_values() -> Vec<[u8; 32]> {
    let beside = |value: [u8; 32], first: u8| {
        let mut value = value;
        value[0] = first;
        value
    };
    let (zero, ones) = ([0; 32], [0xff; 32]);
    let mut prime = ones;
    (prime[0], prime[31]) = (0xed, 0x7f);
    let (order, next) = (ORDER[0], prime[0]);
    vec![
        zero,
        beside(zero, 1),
        beside(ORDER, order - 1),
        ORDER,
        beside(ORDER, order + 1),
        beside(prime, next - 1),
        prime,
        beside(prime, next + 1),
        ones,
    ]
}

#[tokio::test]
async fn signatures_of_special_values_are_refused() {
    let good = key().token();
    let message = good.rsplit_once('.').unwrap().0;
    for r in special_values() {
        for s in special_values() {
            assert_refused!(format!("{message}.{}", encode([r, s].concat())), TokenError::BadSignature);
        }
    }
}

/// What Wycheproof's vectors for JSON Web Signature do to a good one, done to ours.
#[tokio::test]
async fn a_signed_token_is_refused_in_every_other_form() {
    let good = key().token();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let replaced = |part: &str| format!("{}{}", if part.starts_with('X') { 'Y' } else { 'X' }, &part[1..]);
    let none = encode(r#"{"alg":"none","typ":"at+jwt","kid":"key-1"}"#);
    let flattened = json!({"protected": header, "payload": claims, "signature": signature});
    let general = json!({"payload": claims, "signatures": [{"protected": header, "signature": signature}]});
    for (what, token) in [
        ("modified signature", format!("{header}.{claims}.{}", replaced(signature))),
        ("missing signature", format!("{header}.{claims}.")),
        ("missing signature and separator", format!("{header}.{claims}")),
        ("modified payload", format!("{header}.{}.{signature}", replaced(claims))),
        ("missing payload", format!("{header}..{signature}")),
        ("missing payload and separator", format!("{header}.{signature}")),
        ("modified header", format!("{}.{claims}.{signature}", replaced(header))),
        ("missing header", format!(".{claims}.{signature}")),
        ("missing header and separator", format!("{claims}.{signature}")),
        ("missing header and signature", format!(".{claims}.")),
        ("payload alone", claims.to_owned()),
        ("extra empty component", format!("{good}.")),
        ("extra component", format!("{good}.foo")),
        ("algorithm none with the signature", format!("{none}.{claims}.{signature}")),
        ("algorithm none without", format!("{none}.{claims}.")),
        ("flattened JSON serialisation", flattened.to_string()),
        ("general JSON serialisation", general.to_string()),
        ("swapped parts", format!("{claims}.{header}.{signature}")),
        ("spaces around it", format!(" {good} ")),
    ] {
        assert!(verify(&token).await.is_err(), "{what}");
    }
}

#[tokio::test]
async fn a_signature_is_not_malleable() {
    // S + L, which a careless verifier takes for S (RFC 8032 §8.4).
    let good = key().token();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let mut bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for (byte, add) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + u16::from(carry);
        [carry, *byte] = sum.to_be_bytes();
    }
    assert_refused!(format!("{message}.{}", encode(bytes)), TokenError::BadSignature);
}

#[tokio::test]
async fn key_ids_are_looked_up_and_never_interpreted() {
    let long = "k".repeat(65);
    for kid in ["../../dev/null", "/etc/passwd", "key-1' OR '1'='1", "key-1\u{0}", "KEY-1", " key-1", "", &long] {
        assert_refused!(with_header(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid})), TokenError::UnknownKey);
    }
    assert_refused!(with_header(&json!({"alg": "EdDSA", "typ": "at+jwt"})), TokenError::UnknownKey);
    assert_refused!(
        with_header(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": ["key-1"]})),
        TokenError::Malformed("header")
    );
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_is_ignored() {
    let attacker = Key::new("key-1", 9);
    let own = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "key-1", "x": attacker.verifying().x()});
    for (name, value) in [
        ("jwk", own),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = attacker.header();
        header[name] = value;
        assert_refused!(attacker.sign(&header.to_string(), &claims().to_string()), TokenError::BadSignature);
    }
}

#[tokio::test]
async fn extensions_that_must_be_understood_are_refused() {
    let mut header = key().header();
    header["crit"] = json!(["exp"]);
    assert_refused!(with_header(&header), TokenError::Malformed("header"));
}

#[tokio::test]
async fn names_that_occur_twice_are_refused_wherever_they_are() {
    let header = key().header().to_string();
    let base = claims().to_string();
    let inside = base.strip_suffix('}').unwrap();
    for extra in [
        r#","sub":"admin""#,
        r#","aud":"mainstay""#,
        r#","x":{"a":1,"a":2}"#,
        r#","x":[{"a":1,"a":1}]"#,
        r#","s\u0075b":"x""#,
    ] {
        assert_refused!(key().sign(&header, &format!("{inside}{extra}}}")), TokenError::Malformed("claims"));
    }
    let twice = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"key-1","alg":"none"}"#;
    assert_refused!(key().sign(twice, &base), TokenError::Malformed("header"));
}

#[tokio::test]
async fn other_tokens_of_the_same_issuer_are_not_access_tokens() {
    for typ in ["JWT", "id+jwt", "rt+jwt", "at+jwt2", "at+jwt ", "application/jwt", ""] {
        assert_refused!(with_header(&json!({"alg": "EdDSA", "typ": typ, "kid": "key-1"})), TokenError::WrongType);
    }
    assert_refused!(with_header(&json!({"alg": "EdDSA", "kid": "key-1"})), TokenError::WrongType);
    for typ in ["AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        verify(&with_header(&json!({"alg": "EdDSA", "typ": typ, "kid": "key-1"}))).await.unwrap();
    }
}

#[tokio::test]
async fn an_assertion_says_through_whom_its_caller_comes_and_an_access_token_does_not() {
    let assertion = |claims: &str| {
        let header = json!({"alg": "EdDSA", "typ": "assertion+jwt", "kid": "key-1"});
        key().sign(&header.to_string(), claims)
    };
    let through = claims_with(&json!({"upstream": "pricing", "aud": ["pricing", "mainstay"]}));
    let source = Source::of(&[&key()]);
    let caller = verifier(&source, &clock()).verify(&assertion(&through)).await.unwrap();
    assert_eq!(caller.upstream(), Some("pricing"));
    assert_eq!(verifier(&source, &clock()).verify(&key().token()).await.unwrap().upstream(), None);
    assert_refused!(assertion(&claims().to_string()), TokenError::WrongType);
    assert_refused!(with_claims(&json!({"upstream": "pricing"})), TokenError::WrongType);
    // It was made for somebody else alone.
    let elsewhere = claims_with(&json!({"upstream": "pricing", "aud": "pricing"}));
    assert_refused!(assertion(&elsewhere), TokenError::Claim("aud"));
}

#[tokio::test]
async fn tokens_of_another_issuer_or_for_another_audience_are_refused() {
    for issuer in [json!("https://auth.example.com/"), json!("https://AUTH.example.com"), json!("evil"), json!("")] {
        assert_refused!(with_claims(&json!({"iss": issuer})), TokenError::Claim("iss"));
    }
    for audience in [json!("other"), json!([]), json!(["other", "mainstay2"]), json!("")] {
        assert_refused!(with_claims(&json!({"aud": audience})), TokenError::Claim("aud"));
    }
    verify(&with_claims(&json!({"aud": ["other", AUDIENCE]}))).await.unwrap();
}

/// What another application was given opens nothing here, whatever it says beside it.
#[tokio::test]
async fn tokens_of_oauth_clients_are_refused() {
    for client in ["shop", ""] {
        assert_refused!(with_claims(&json!({"client_id": client})), TokenError::Claim("client_id"));
    }
    assert_refused!(with_claims(&json!({"client_id": 7})), TokenError::Malformed("claims"));
}

#[test]
fn what_others_sign_is_verified_by_their_keys_alone() {
    let (one, other) = (Key::new("one", 1), Key::new("other", 2));
    let set = |keys: &[&Key]| KeySet::new(keys.iter().map(|key| key.verifying())).unwrap();
    let (mine, both) = (set(&[&one]), set(&[&one, &other]));
    let sign = |header: serde_json::Value| one.sign(&header.to_string(), r#"{"a":1}"#);
    let read = |token: &str, keys: &KeySet| verify_signed::<serde_json::Value>(token, &["JWT"], keys);
    for typ in [json!("JWT"), json!("jwt"), json!("application/JWT"), json!(null)] {
        let token = sign(json!({"alg": "EdDSA", "kid": "one", "typ": typ}));
        assert_eq!(read(&token, &both).unwrap(), json!({"a": 1}));
    }
    assert!(read(&sign(json!({"alg": "EdDSA"})), &mine).is_ok(), "of one key no name is needed");
    assert!(read(&sign(json!({"alg": "Ed25519"})), &mine).is_ok(), "as RFC 9864 calls it");
    for alg in ["ES256", "HS256", "Ed448", "ed25519", ""] {
        assert!(matches!(read(&sign(json!({"alg": alg})), &mine), Err(TokenError::WrongAlgorithm)), "{alg}");
    }
    assert!(matches!(read(&sign(json!({"alg": "EdDSA"})), &both), Err(TokenError::UnknownKey)));
    assert!(matches!(read(&sign(json!({"alg": "EdDSA", "kid": "other"})), &both), Err(TokenError::BadSignature)));
    assert!(matches!(read(&sign(json!({"alg": "EdDSA", "kid": "one"})), &set(&[&other])), Err(TokenError::UnknownKey)));
    assert!(matches!(read(&sign(json!({"alg": "none", "kid": "one"})), &both), Err(TokenError::WrongAlgorithm)));
    assert!(matches!(read(&sign(json!({"alg": "EdDSA", "typ": "at+jwt"})), &mine), Err(TokenError::WrongType)));
    let twice = one.sign(r#"{"alg":"EdDSA"}"#, r#"{"a":1,"a":2}"#);
    assert!(matches!(read(&twice, &mine), Err(TokenError::Malformed(_))));
    assert!(read_unverified::<serde_json::Value>(&twice).is_err());
    assert_eq!(read_unverified::<serde_json::Value>(&sign(json!({}))).unwrap(), json!({"a": 1}));
}

#[tokio::test]
async fn claims_that_are_missing_or_mistyped_are_refused() {
    for name in ["iss", "aud", "sub", "exp", "iat"] {
        assert_refused!(with_claims(&json!({name: null})), TokenError::Malformed("claims"));
    }
    for changes in [
        json!({"exp": "1900000000"}),
        json!({"sub": 1}),
        json!({"aud": {}}),
        json!({"roles": "mainstay.admin"}),
        json!({"email_verified": "true"}),
        json!({"exp": 1e300}),
    ] {
        assert_refused!(with_claims(&changes), TokenError::Malformed("claims"));
    }
    assert_refused!(with_claims(&json!({"sub": ""})), TokenError::Claim("sub"));
}

#[tokio::test]
async fn a_token_ends_to_the_second() {
    assert_refused!(with_claims(&json!({"exp": NOW - 1})), TokenError::Expired);
    assert_refused!(with_claims(&json!({"exp": NOW})), TokenError::Expired);
    assert_refused!(with_claims(&json!({"exp": -1})), TokenError::Expired);
    verify(&with_claims(&json!({"exp": NOW + 1}))).await.unwrap();
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    assert_refused!(with_claims(&json!({"nbf": NOW + 61})), TokenError::Claim("nbf"));
    assert_refused!(with_claims(&json!({"iat": NOW + 61, "exp": NOW + 400})), TokenError::Claim("iat"));
    verify(&with_claims(&json!({"iat": NOW + 60, "nbf": NOW + 60}))).await.unwrap();
}

#[tokio::test]
async fn a_token_of_a_megabyte_is_refused_unread() {
    assert_refused!("a".repeat(1 << 20), TokenError::TooLarge);
    let padded = with_claims(&json!({"padding": "a".repeat(1 << 20)}));
    assert_refused!(padded, TokenError::TooLarge);
    assert_refused!("a".repeat(MAX_TOKEN_BYTES + 1), TokenError::TooLarge);
    assert_refused!("a".repeat(MAX_TOKEN_BYTES), TokenError::Malformed("number of parts"));
}

#[tokio::test]
async fn encrypted_tokens_are_refused() {
    let header = encode(r#"{"alg":"dir","enc":"A256GCM","typ":"at+jwt","kid":"key-1"}"#);
    assert_refused!(format!("{header}..AAAA.AAAA.AAAA"), TokenError::Malformed("number of parts"));
    let three = format!("{header}.{}.AAAA", encode(claims().to_string()));
    assert_refused!(three, TokenError::Malformed("header"));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let good = key().token();
    let refresh = format!("mrt_{}", "A".repeat(86));
    let odd =
        ["", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.é.é", &refresh, &format!("{good}."), &format!(".{good}")];
    for token in odd {
        assert_refused!(token, TokenError::Malformed(_));
    }
    for header in ["[]", "null", "\"at+jwt\"", "{", "{}x", ""] {
        assert_refused!(key().sign(header, &claims().to_string()), TokenError::Malformed("header"));
    }
    for claims in ["[]", "null", "{", "{} {}"] {
        assert_refused!(key().sign(&key().header().to_string(), claims), TokenError::Malformed("claims"));
    }
}

#[tokio::test]
async fn json_that_is_nested_deeply_is_refused() {
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let base = claims().to_string();
    let nested = format!("{},\"x\":{deep}}}", base.strip_suffix('}').unwrap());
    assert_refused!(key().sign(&key().header().to_string(), &nested), TokenError::Malformed("claims"));
}

#[tokio::test]
async fn base64_has_one_spelling() {
    let good = key().token();
    // The last character of 64 bytes stands for two bits; the other four must be zero.
    let last = good.chars().last().unwrap();
    let beside = char::from(last as u8 + 1);
    let spare_bits = format!("{}{beside}", good.strip_suffix(last).unwrap());
    assert!("AQgw".contains(last), "{last}");
    for token in [format!("{good}="), good.replace('.', "=."), format!("{good}\n"), spare_bits] {
        assert_refused!(token, TokenError::Malformed(_) | TokenError::BadSignature);
    }
}

#[test]
fn clients_learn_only_that_the_token_is_not_valid_or_has_expired() {
    for error in
        [TokenError::UnknownKey, TokenError::BadSignature, TokenError::Claim("aud"), TokenError::UnknownService]
    {
        let fault = Fault::from(error);
        assert_eq!(fault.reason(), Some(Reason::TokenInvalid));
        assert_eq!(fault.text(), Reason::TokenInvalid.usual_message());
    }
    assert_eq!(Fault::from(TokenError::Expired).reason(), Some(Reason::TokenExpired));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_token_with_any_byte_changed_is_refused(position in 0usize..600, replacement in "[A-Za-z0-9_.-]") {
        let good = key().token();
        let position = position % good.len();
        let mut changed = good.clone();
        changed.replace_range(position..=position, &replacement);
        prop_assume!(changed != good);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        prop_assert!(runtime.block_on(verify(&changed)).is_err());
    }

    #[test]
    fn no_text_makes_the_verifier_panic(text in ".{0,300}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        prop_assert!(runtime.block_on(verify(&text)).is_err());
    }
}
