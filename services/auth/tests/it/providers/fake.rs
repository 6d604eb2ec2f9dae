//! A provider of identities on the loopback interface, which does what a test has it do: also lie, hang, and answer something else.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mainstay_auth::providers::{ProviderConfig, Texts};
use mainstay_identity::Clock;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};
use url::Url;

use crate::harness::TestClock;

pub const CLIENT: &str = "mainstay at the provider";
pub const SECRET: &str = "a secret: of/the client";

/// Says whether something is taken.
pub type Judge = Box<dyn Fn(&str) -> bool + Send>;

/// What the provider does.
pub struct Script {
    /// What it says of whoever signs in.
    pub user: Value,
    /// What it says of them where it is asked with the access token; nothing where it has no such endpoint.
    pub userinfo: Option<Value>,
    /// Claims that take the place of those that are right; `null` takes one away.
    pub claims: Map<String, Value>,
    /// What takes the place of what is right in the header of ID tokens.
    pub header: Map<String, Value>,
    /// What takes the place of an ID token.
    pub token: Option<String>,
    /// What takes the place of what is right in the configuration.
    pub metadata: Map<String, Value>,
    /// What is answered under a path in the place of what is right: the status, the content type, the body.
    pub answers: HashMap<&'static str, (u16, &'static str, String)>,
    /// Paths under which nothing is answered.
    pub silent: Vec<&'static str>,
    /// What judges the client's secret in the place of the usual one.
    pub accepts: Option<Judge>,
    /// What was asked for, in order: the path and the body.
    pub asked: Vec<(String, String)>,
    key: EcdsaKeyPair,
    kid: String,
    codes: BTreeMap<String, Code>,
    count: usize,
    clock: Option<Arc<TestClock>>,
}

/// What a code was given for.
struct Code {
    nonce: Option<String>,
    challenge: String,
    redirect_uri: String,
}

/// What a browser comes back with.
#[derive(Clone, Debug)]
pub struct Back {
    pub code: String,
    pub state: String,
    pub issuer: String,
}

#[derive(Clone)]
pub struct Idp {
    pub url: String,
    script: Arc<Mutex<Script>>,
}

fn generated() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
}

pub fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn patched(mut value: Value, patch: &Map<String, Value>) -> Value {
    let object = value.as_object_mut().unwrap();
    for (name, value) in patch {
        match value {
            Value::Null => drop(object.remove(name)),
            value => drop(object.insert(name.clone(), value.clone())),
        }
    }
    value
}

/// The parameters of an address.
pub fn query(address: &str) -> HashMap<String, String> {
    Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

impl Idp {
    pub async fn start() -> Idp {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Script {
            user: json!({"sub": "248289761001"}),
            userinfo: None,
            claims: Map::new(),
            header: Map::new(),
            token: None,
            metadata: Map::new(),
            answers: HashMap::new(),
            silent: Vec::new(),
            accepts: None,
            asked: Vec::new(),
            key: generated(),
            kid: "first".to_owned(),
            codes: BTreeMap::new(),
            count: 0,
            clock: None,
        };
        let idp = Idp { url, script: Arc::new(Mutex::new(script)) };
        let router = Router::new().fallback(answer).with_state(idp.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        idp
    }

    /// What the settings have of it.
    pub fn config(&self) -> ProviderConfig {
        ProviderConfig {
            issuer: Some(self.url.clone()),
            client_id: CLIENT.to_owned(),
            client_secret: Some(SECRET.to_owned().into()),
            trusted_domains: Some(Texts(vec!["example.org".to_owned()])),
            ..ProviderConfig::default()
        }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub fn follow(&self, clock: &Arc<TestClock>) {
        self.script().clock = Some(Arc::clone(clock));
    }

    /// Signs with another key from now on, and publishes no other.
    pub fn rotate(&self, kid: &str) {
        let mut script = self.script();
        (script.key, script.kid) = (generated(), kid.to_owned());
    }

    /// The public key.
    pub fn script_jwk(&self) -> Value {
        self.script().jwk()
    }

    /// How often something was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.script().asked.iter().filter(|(asked, _)| asked == path).count()
    }

    /// What somebody does in a browser: goes to the address, signs in, and comes back.
    pub fn visit(&self, address: &str) -> Back {
        let parameters = query(address);
        assert!(address.starts_with(&self.url), "{address}");
        assert_eq!((&*parameters["response_type"], &*parameters["client_id"]), ("code", CLIENT));
        assert_eq!(parameters["code_challenge_method"], "S256");
        let mut script = self.script();
        script.count += 1;
        let code = format!("code {}", script.count);
        let given = Code {
            nonce: parameters.get("nonce").cloned(),
            challenge: parameters["code_challenge"].clone(),
            redirect_uri: parameters["redirect_uri"].clone(),
        };
        script.codes.insert(code.clone(), given);
        Back { code, state: parameters["state"].clone(), issuer: String::new() }
    }

    /// An ID token as an application on a telephone gets it.
    pub fn native_token(&self, audience: &str, nonce: &str) -> String {
        let script = self.script();
        let more = json!({"aud": audience, "nonce": nonce});
        script.id_token(&self.url, more.as_object().unwrap())
    }
}

impl Script {
    pub fn now(&self) -> i64 {
        self.clock.as_ref().unwrap().now_seconds()
    }

    /// Signs what looks like a token.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The ID token of whoever signs in.
    fn id_token(&self, issuer: &str, more: &Map<String, Value>) -> String {
        if let Some(token) = &self.token {
            return token.clone();
        }
        let now = self.now();
        let claims = json!({"iss": issuer, "aud": CLIENT, "iat": now, "exp": now + 300});
        let claims = patched(claims, self.user.as_object().unwrap());
        let claims = patched(patched(claims, more), &self.claims);
        let header = patched(json!({"alg": "ES256", "kid": self.kid, "typ": "JWT"}), &self.header);
        self.signed(&header, &claims)
    }

    pub fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256",
            "x": part(&point[1..33]), "y": part(&point[33..]),
        })
    }

    fn metadata(&self, url: &str) -> Value {
        let metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        let mut metadata = patched(metadata, &self.metadata);
        if self.userinfo.is_some() {
            metadata["userinfo_endpoint"] = json!(format!("{url}/userinfo"));
        }
        metadata
    }

    /// Gives tokens for a code, to the client that it was given to (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
    fn tokens(&mut self, url: &str, headers: &HeaderMap, body: &str) -> Result<Value, &'static str> {
        let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let basic: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let client: String = url::form_urlencoded::byte_serialize(CLIENT.as_bytes()).collect();
        let basic = format!("Basic {}", STANDARD.encode(format!("{client}:{basic}")));
        let in_body = form.get("client_secret").map(String::as_str).unwrap_or_default();
        let is_client = match &self.accepts {
            Some(accepts) => form.get("client_id").map(String::as_str) == Some(CLIENT) && accepts(in_body),
            None => {
                headers.get(header::AUTHORIZATION).is_some_and(|value| value == basic.as_str()) || in_body == SECRET
            }
        };
        if !is_client {
            return Err("invalid_client");
        }
        let code =
            self.codes.remove(form.get("code").map(String::as_str).unwrap_or_default()).ok_or("invalid_grant")?;
        let verifier = form.get("code_verifier").map(String::as_str).unwrap_or_default();
        let is_whose = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == code.challenge;
        if !is_whose
            || form.get("redirect_uri") != Some(&code.redirect_uri)
            || form["grant_type"] != "authorization_code"
        {
            return Err("invalid_grant");
        }
        let mut more = Map::new();
        more.extend(code.nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
        let id_token = self.id_token(url, &more);
        Ok(json!({"access_token": "an access token", "token_type": "Bearer", "id_token": id_token}))
    }
}

async fn answer(State(idp): State<Idp>, headers: HeaderMap, uri: Uri, body: Bytes) -> Response {
    let (path, body) = (uri.path().to_owned(), String::from_utf8_lossy(&body).into_owned());
    let given = {
        let mut script = idp.script();
        script.asked.push((path.clone(), body.clone()));
        if script.silent.contains(&path.as_str()) {
            None
        } else {
            Some(told(&mut script, &idp.url, &headers, (&path, &body)))
        }
    };
    match given {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

fn told(script: &mut Script, url: &str, headers: &HeaderMap, (path, body): (&str, &str)) -> Response {
    if let Some((status, kind, body)) = script.answers.get(path) {
        return (StatusCode::from_u16(*status).unwrap(), [(header::CONTENT_TYPE, *kind)], body.clone()).into_response();
    }
    let is_asked_with_token = headers.get(header::AUTHORIZATION).is_some_and(|value| value == "Bearer an access token");
    match path {
        "/.well-known/openid-configuration" => axum::Json(script.metadata(url)).into_response(),
        "/keys" => axum::Json(json!({"keys": [script.jwk()]})).into_response(),
        "/token" | "/login/oauth/access_token" | "/api/oauth2/token" => match script.tokens(url, headers, body) {
            Ok(tokens) => axum::Json(tokens).into_response(),
            Err(error) => (StatusCode::BAD_REQUEST, axum::Json(json!({"error": error}))).into_response(),
        },
        "/userinfo" if is_asked_with_token => axum::Json(script.userinfo.clone()).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
