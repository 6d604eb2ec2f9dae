//! S7 with ECDSA over P-256: what verifiers of ES256 were confused by.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_identity::{Algorithm, Jwk, TokenError, VerifyingKey};
use serde_json::json;

use crate::forge::{CurveKey, Key, Source, claims, clock, encode, verifier};

/// The order of the group, n, big-endian (SEC 2 section 2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The prime of the field, big-endian.
const PRIME: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff,
];

async fn verify(keys: Vec<VerifyingKey>, token: &str) -> Result<(), TokenError> {
    let source = Arc::new(Source::default());
    source.set_all(keys);
    verifier(&source, &clock()).verify(token).await.map(drop)
}

fn token(key: &CurveKey) -> String {
    key.sign(&key.header().to_string(), &claims().to_string())
}

fn parts(token: &str) -> (&str, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message, URL_SAFE_NO_PAD.decode(signature).unwrap())
}

#[tokio::test]
async fn the_token_that_all_others_are_variations_of_is_accepted() {
    let key = CurveKey::new("curve");
    verify(vec![key.verifying()], &token(&key)).await.unwrap();
}

#[tokio::test]
async fn keys_of_both_algorithms_verify_side_by_side_and_each_only_its_own() {
    let (edwards, curve) = (Key::new("edwards", 1), CurveKey::new("curve"));
    let keys = || vec![edwards.verifying(), curve.verifying()];
    verify(keys(), &edwards.token()).await.unwrap();
    verify(keys(), &token(&curve)).await.unwrap();
    for (alg, kid) in
        [("ES256", "edwards"), ("EdDSA", "curve"), ("none", "curve"), ("HS256", "curve"), ("ES256K", "curve")]
    {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": kid}).to_string();
        for token in [edwards.sign(&header, &claims().to_string()), curve.sign(&header, &claims().to_string())] {
            let refused = verify(keys(), &token).await;
            assert!(matches!(refused, Err(TokenError::WrongAlgorithm)), "{alg} {kid}: {refused:?}");
        }
    }
    // Each says what is the other's key, with its own signature.
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "edwards"}).to_string();
    let refused = verify(keys(), &curve.sign(&header, &claims().to_string())).await;
    assert!(matches!(refused, Err(TokenError::BadSignature)), "{refused:?}");
}

#[tokio::test]
async fn signatures_of_zeros_and_other_special_values_are_refused() {
    let key = CurveKey::new("curve");
    let good = token(&key);
    let (message, signature) = parts(&good);
    let beside = |value: [u8; 32], last: u8| {
        let mut value = value;
        value[31] = last;
        value
    };
    let (zero, ones) = ([0; 32], [0xff; 32]);
    let special = [
        zero,
        beside(zero, 1),
        beside(ORDER, ORDER[31] - 1),
        ORDER,
        beside(ORDER, ORDER[31] + 1),
        beside(PRIME, 0xfe),
        PRIME,
        ones,
    ];
    let (r, s): ([u8; 32], [u8; 32]) = (signature[..32].try_into().unwrap(), signature[32..].try_into().unwrap());
    let halves = || special.iter().copied();
    let all =
        halves().flat_map(|r| halves().map(move |s| [r, s])).chain(halves().flat_map(|value| [[value, s], [r, value]]));
    for pair in all {
        let refused = verify(vec![key.verifying()], &format!("{message}.{}", encode(pair.concat()))).await;
        assert!(matches!(refused, Err(TokenError::BadSignature)), "{pair:x?}: {refused:?}");
    }
}

#[tokio::test]
async fn signatures_in_other_forms_are_refused() {
    let key = CurveKey::new("curve");
    let good = token(&key);
    let (message, signature) = parts(&good);
    // As X.509 writes them (DER), each half in as many bytes as it takes.
    let integer = |half: &[u8]| {
        let mut bytes: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
        if bytes.first().is_some_and(|first| *first >= 0x80) {
            bytes.insert(0, 0);
        }
        [vec![2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let inner = [integer(&signature[..32]), integer(&signature[32..])].concat();
    let der = [vec![0x30, u8::try_from(inner.len()).unwrap()], inner].concat();
    let swapped = [&signature[32..], &signature[..32]].concat();
    let longer = [signature.as_slice(), &[0]].concat();
    let padded = [[0; 2].as_slice(), &signature].concat();
    for other in [der, swapped, longer, padded, signature[..63].to_vec(), Vec::new()] {
        let refused = verify(vec![key.verifying()], &format!("{message}.{}", encode(other))).await;
        assert!(matches!(refused, Err(TokenError::BadSignature)), "{refused:?}");
    }
}

#[test]
fn a_key_is_read_from_its_two_coordinates_and_from_nothing_else() {
    let key = CurveKey::new("curve").verifying();
    let (x, y) = (key.x(), key.y());
    let jwk = Jwk { kty: "EC", crv: "P-256", alg: "ES256", usage: "sig", kid: "curve", x: &x, y: &y };
    assert_eq!(VerifyingKey::from_jwk(&jwk).unwrap(), key);
    let short = encode([1; 31]);
    let long = encode([1; 33]);
    for wrong in [
        Jwk { kty: "OKP", ..jwk },
        Jwk { crv: "P-384", ..jwk },
        Jwk { crv: "secp256k1", ..jwk },
        Jwk { alg: "EdDSA", ..jwk },
        Jwk { alg: "ES384", ..jwk },
        Jwk { alg: "", ..jwk },
        Jwk { usage: "enc", ..jwk },
        Jwk { kid: "", ..jwk },
        Jwk { x: &short, ..jwk },
        Jwk { y: &long, ..jwk },
        Jwk { y: "", ..jwk },
        Jwk { y: "!", ..jwk },
    ] {
        assert!(VerifyingKey::from_jwk(&wrong).is_err(), "{wrong:?}");
    }
    assert!(VerifyingKey::new("compressed", Algorithm::Es256, &[2; 33]).is_none());
    assert!(VerifyingKey::new("short", Algorithm::EdDsa, &[2; 31]).is_none());
}

#[tokio::test]
async fn a_point_that_is_not_on_the_curve_verifies_nothing() {
    let key = CurveKey::new("curve");
    let good = token(&key);
    let mut point = vec![4];
    point.extend([7; 64]);
    let off = VerifyingKey::new("curve", Algorithm::Es256, &point).unwrap();
    let refused = verify(vec![off], &good).await;
    assert!(matches!(refused, Err(TokenError::BadSignature)), "{refused:?}");
}
