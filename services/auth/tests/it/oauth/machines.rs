//! Service accounts at the token endpoint, and clients that sign.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_identity::Kind;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::service_account_service_client::ServiceAccountServiceClient;
use mainstay_testkit::both_engines;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Shop, by_code, proof, public, refused, wanted};
use crate::harness::{Caller, Harness, PUBLIC_URL, answer, fields};
use crate::organisations::Company;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key pair of somebody who signs.
enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl Pair {
    fn ed25519() -> Pair {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Pair::Ed25519(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    fn p256() -> Pair {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Pair::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).unwrap())
    }

    fn jwk(&self, kid: &str) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(pair.public_key().as_ref())})
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = match self {
            Pair::Ed25519(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn alg(&self) -> &'static str {
        match self {
            Pair::Ed25519(_) => "EdDSA",
            Pair::P256(_) => "ES256",
        }
    }
}

/// The second at which the tests' clock stands.
const NOW: i64 = 1_800_000_000;

fn claims(id: &str) -> Value {
    json!({"iss": id, "sub": id, "aud": PUBLIC_URL, "exp": NOW + 60, "iat": NOW, "jti": Uuid::now_v7().to_string()})
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn signed(assertion: String) -> Option<pb::OAuthClientProof> {
    let client_assertion_type = JWT_BEARER.to_owned();
    Some(pb::OAuthClientProof { client_assertion: assertion, client_assertion_type, ..Default::default() })
}

fn for_machine(client: Option<pb::OAuthClientProof>) -> pb::IssueTokenRequest {
    pb::IssueTokenRequest { client, grant_type: "client_credentials".to_owned(), ..Default::default() }
}

fn with_secret(id: &str, secret: &str) -> Option<pb::OAuthClientProof> {
    Some(pb::OAuthClientProof { client_id: id.to_owned(), client_secret: secret.to_owned(), ..Default::default() })
}

impl Caller {
    async fn add_public_key(
        &self,
        parent: &str,
        public_key: &str,
        networks: &[&str],
    ) -> Result<pb::ServiceAccountKey, mainstay_fault::Fault> {
        let networks = networks.iter().map(|network| (*network).to_owned()).collect();
        let key = pb::ServiceAccountKey { public_key: public_key.to_owned(), networks, ..Default::default() };
        let message = pb::CreateServiceAccountKeyRequest { parent: parent.to_owned(), service_account_key: Some(key) };
        answer(ServiceAccountServiceClient::new(self.stack()).create_service_account_key(self.request(message)).await)
    }
}

both_engines! {
    async fn a_service_account_gets_its_token_with_a_key_as_the_secret(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, name, .. } = &company;
        let service = ada.create_service_account(name, &["robot"]).await.unwrap();
        let key = ada.create_key(&service.name, &["203.0.113.0/24"]).await.unwrap();
        let caller = harness.caller.from("203.0.113.7");
        for id in [service.uid.clone(), format!("service:{}", service.uid)] {
            let issued = caller.issue(for_machine(with_secret(&id, &key.secret))).await.unwrap();
            assert_eq!((issued.error.clone(), issued.token_type.as_str(), issued.expires_in), (None, "Bearer", 300));
            assert!(issued.refresh_token.is_empty() && issued.id_token.is_empty());
            let principal = harness.verifier.verify(&issued.access_token).await.unwrap();
            assert_eq!((principal.kind(), principal.organisation_roles()), (Kind::Service, &["robot".to_owned()][..]));
        }
        let other = ada.create_service_account(name, &[]).await.unwrap();
        let elsewhere = harness.caller.from("198.51.100.1");
        for (from, id, secret) in [
            (&caller, other.uid.as_str(), key.secret.as_str()),
            (&caller, service.uid.as_str(), "mak_wrong"),
            (&caller, service.uid.as_str(), ""),
            (&caller, "nobody", key.secret.as_str()),
            (&elsewhere, service.uid.as_str(), key.secret.as_str()),
        ] {
            assert_eq!(refused(&from.issue(for_machine(with_secret(id, secret))).await.unwrap()), "invalid_client");
        }
        ada.delete_key(&key.name).await.unwrap();
        let issued = caller.issue(for_machine(with_secret(&service.uid, &key.secret))).await.unwrap();
        assert_eq!(refused(&issued), "invalid_client");
    }

    async fn one_of_an_organisation_that_is_disabled_gets_none(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, name, .. } = &company;
        let service = ada.create_service_account(name, &["robot"]).await.unwrap();
        let key = ada.create_key(&service.name, &[]).await.unwrap();
        let pair = Pair::ed25519();
        ada.add_public_key(&service.name, &pair.jwk("mine").to_string(), &[]).await.unwrap();
        let proofs = || {
            let assertion = pair.sign(&json!({"alg": pair.alg(), "kid": "mine"}), &claims(&service.uid));
            [with_secret(&service.uid, &key.secret), signed(assertion)]
        };
        let operator = harness.caller.as_operator();
        operator.disable_organisation(name, "").await.unwrap();
        for proof in proofs() {
            assert_eq!(refused(&harness.caller.issue(for_machine(proof)).await.unwrap()), "invalid_client");
        }
        operator.enable_organisation(name, "").await.unwrap();
        for proof in proofs() {
            assert_eq!(harness.caller.issue(for_machine(proof)).await.unwrap().error, None);
        }
    }

    async fn a_service_account_gets_its_token_with_a_signature(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, name, .. } = &company;
        let service = ada.create_service_account(name, &["robot"]).await.unwrap();
        for pair in [Pair::ed25519(), Pair::p256()] {
            let key = ada.add_public_key(&service.name, &pair.jwk("mine").to_string(), &[]).await.unwrap();
            assert!(key.secret.is_empty() && key.prefix.is_empty() && key.public_key.contains("\"mine\""));
            let uid = key.name.rsplit('/').next().unwrap();
            for header in [json!({"alg": pair.alg(), "kid": uid}), json!({"alg": pair.alg(), "kid": "mine"}), json!({"alg": pair.alg()})] {
                let assertion = pair.sign(&header, &claims(&service.uid));
                let issued = harness.caller.issue(for_machine(signed(assertion.clone()))).await.unwrap();
                assert_eq!(issued.error, None, "{header}");
                let principal = harness.verifier.verify(&issued.access_token).await.unwrap();
                assert_eq!(principal.uid(), Some(&*format!("service:{}", service.uid)));
                // Each is good once.
                let again = harness.caller.issue(for_machine(signed(assertion))).await.unwrap();
                assert_eq!(refused(&again), "invalid_client");
            }
            ada.delete_key(&key.name).await.unwrap();
            let assertion = pair.sign(&json!({"alg": pair.alg()}), &claims(&service.uid));
            assert_eq!(refused(&harness.caller.issue(for_machine(signed(assertion))).await.unwrap()), "invalid_client");
        }
        // Such a key is worth nothing where secrets are shown, and is not rotated here.
        let pair = Pair::ed25519();
        for bad in ["{}", "no JSON", &with(&pair.jwk("k"), "d", json!("AA")).to_string(), r#"{"kty":"RSA","n":"AA","e":"AQAB"}"#] {
            let refused = fields(ada.add_public_key(&service.name, bad, &[]).await);
            assert_eq!(refused, ["service_account_key.public_key"], "{bad}");
        }
    }

    async fn a_proof_is_short_for_us_and_by_its_own_key(engine: Engine) {
        let harness = Harness::start(engine).await;
        let pair = Pair::p256();
        let client = pb::OAuthClient {
            authentication: pb::o_auth_client::Authentication::PrivateKeyJwt.into(),
            jwks: json!({"keys": [pair.jwk("k")]}).to_string(),
            ..wanted()
        };
        let client = harness.caller.as_operator().register(client).await.unwrap();
        assert!(client.client_secret.is_empty());
        let (account, credentials) = harness.user("ada@example.org").await;
        let ada = harness.caller.as_user(&credentials);
        let shop = Shop { harness, client, ada, account, credentials };
        let (id, header) = (shop.client.client_id.clone(), json!({"alg": "ES256", "kid": "k", "typ": "JWT"}));
        let good = claims(&id);
        let issue = async |proof: Option<pb::OAuthClientProof>| {
            let request = pb::IssueTokenRequest { client: proof, ..by_code(&shop.client, &shop.code().await) };
            shop.harness.caller.issue(request).await.unwrap()
        };
        let token_endpoint = json!(format!("{PUBLIC_URL}/auth/oauth2/token"));
        for aud in [json!(PUBLIC_URL), json!([PUBLIC_URL]), token_endpoint] {
            let claims = with(&with(&good, "aud", aud), "jti", json!(Uuid::now_v7().to_string()));
            assert_eq!(issue(signed(pair.sign(&header, &claims))).await.error, None);
        }
        for (name, value) in [
            ("aud", json!("https://evil.example")),
            ("aud", json!([PUBLIC_URL, "https://evil.example"])),
            ("aud", json!(format!("{PUBLIC_URL}/"))),
            ("aud", Value::Null),
            ("iss", json!("another")),
            ("sub", json!("another")),
            ("exp", json!(NOW)),
            ("exp", json!(NOW + 3_600)),
            ("exp", Value::Null),
            ("iat", json!(NOW + 600)),
            ("nbf", json!(NOW + 600)),
            ("jti", Value::Null),
            ("jti", json!("")),
            ("jti", json!("j".repeat(257))),
        ] {
            let assertion = pair.sign(&header, &with(&claims(&id), name, value.clone()));
            assert_eq!(refused(&issue(signed(assertion)).await), "invalid_client", "{name} {value}");
        }
        let stranger = Pair::p256();
        for (signer, header) in [
            (&stranger, header.clone()),
            (&pair, json!({"alg": "none", "kid": "k"})),
            (&pair, json!({"alg": "HS256", "kid": "k"})),
            (&pair, json!({"alg": "ES256", "kid": "other"})),
            (&pair, json!({"alg": "ES256", "kid": "k", "crit": ["b64"]})),
            (&pair, json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"})),
        ] {
            assert_eq!(refused(&issue(signed(signer.sign(&header, &claims(&id)))).await), "invalid_client", "{header}");
        }
        // Whoever signs shows nothing else, and nothing else is taken of it.
        let fresh = || pair.sign(&header, &claims(&id));
        let both = signed(fresh()).map(|proof| pb::OAuthClientProof { client_secret: "x".to_owned(), ..proof });
        assert_eq!(refused(&issue(both).await), "invalid_request");
        let typed = signed(fresh()).map(|proof| pb::OAuthClientProof { client_assertion_type: "saml".to_owned(), ..proof });
        assert_eq!(refused(&issue(typed).await), "invalid_request");
        let another = signed(fresh()).map(|proof| pb::OAuthClientProof { client_id: "another".to_owned(), ..proof });
        assert_eq!(refused(&issue(another).await), "invalid_client");
        assert_eq!(refused(&issue(with_secret(&id, "")).await), "invalid_client");
    }

    async fn a_client_of_people_gets_nothing_for_itself(engine: Engine) {
        let shop = Shop::open(engine).await;
        let asked = for_machine(proof(&shop.client));
        assert_eq!(refused(&shop.harness.caller.issue(asked).await.unwrap()), "unauthorized_client");
        let open = shop.harness.caller.as_operator().register(public()).await.unwrap();
        let asked = for_machine(proof(&open));
        assert_eq!(refused(&shop.harness.caller.issue(asked).await.unwrap()), "unauthorized_client");
        // And a service account nothing for people; one of the installation may look into all tokens.
        let operator = shop.harness.caller.as_operator();
        let service = operator.create_service_account("", &[]).await.unwrap();
        let key = operator.create_key(&service.name, &[]).await.unwrap();
        let proof = with_secret(&service.uid, &key.secret);
        let asked = pb::IssueTokenRequest { client: proof.clone(), ..by_code(&shop.client, &shop.code().await) };
        assert_eq!(refused(&shop.harness.caller.issue(asked).await.unwrap()), "invalid_client");
        let tokens = shop.tokens().await;
        let told = shop.harness.caller.introspect(proof.clone(), &tokens.access_token).await.unwrap();
        assert_eq!(told["sub"], json!(shop.account.uid));
        // A refresh token is no business of a resource server's.
        let told = shop.harness.caller.introspect(proof, &tokens.refresh_token).await.unwrap();
        assert_eq!(told, json!({"active": false}));
        let organisation = shop.ada.create_organisation("Acme").await.unwrap();
        let small = shop.ada.create_service_account(&organisation.name, &[]).await.unwrap();
        let key = shop.ada.create_key(&small.name, &[]).await.unwrap();
        let told = shop.harness.caller.introspect(with_secret(&small.uid, &key.secret), &tokens.access_token).await;
        assert_eq!(told, Err("invalid_client".to_owned()));
    }

    async fn what_is_exchanged_is_named(engine: Engine) {
        let shop = Shop::open(engine).await;
        for (grant_type, expected) in [
            ("", "invalid_request"),
            ("password", "unsupported_grant_type"),
            ("implicit", "unsupported_grant_type"),
            ("urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type"),
            ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
        ] {
            let asked = pb::IssueTokenRequest { grant_type: grant_type.to_owned(), ..by_code(&shop.client, "x") };
            assert_eq!(refused(&shop.harness.caller.issue(asked).await.unwrap()), expected);
        }
    }
}
