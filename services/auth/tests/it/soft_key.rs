//! An authenticator with one passkey, and the browser that speaks to it.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use prost_types::Struct;
use prost_types::value::Kind;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::harness::{Harness, PUBLIC_URL, base64url};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const SHAREABLE: u8 = 0x08;
const SHARED: u8 = 0x10;
const ATTESTED: u8 = 0x40;

/// One passkey on a device that counts what it signs, unless somebody says otherwise.
pub struct SoftKey {
    pub pair: EcdsaKeyPair,
    pub id: [u8; 16],
    pub counter: u32,
    pub flags: u8,
    pub origin: &'static str,
    pub rp_id: &'static str,
    pub user_handle: String,
}

fn text(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A text in JSON that came as a `Struct`: `user.id`.
pub fn member(options: &Struct, path: &str) -> String {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match options.fields[first].kind.as_ref().unwrap() {
        Kind::StringValue(text) => text.clone(),
        Kind::StructValue(inner) => member(inner, rest),
        other => panic!("{path}: {other:?}"),
    }
}

fn object(members: &[(&str, Kind)]) -> Struct {
    let member = |(name, kind): &(&str, Kind)| ((*name).to_owned(), prost_types::Value { kind: Some(kind.clone()) });
    Struct { fields: members.iter().map(member).collect() }
}

fn string(text: impl Into<String>) -> Kind {
    Kind::StringValue(text.into())
}

impl SoftKey {
    pub fn new() -> SoftKey {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        SoftKey {
            pair,
            id: *uuid::Uuid::now_v7().as_bytes(),
            counter: 0,
            flags: PRESENT | VERIFIED,
            origin: PUBLIC_URL,
            rp_id: "app.example.org",
            user_handle: String::new(),
        }
    }

    /// An authenticator that does not make sure of its owner.
    pub fn unverified(mut self) -> SoftKey {
        self.flags &= !VERIFIED;
        self
    }

    /// One that its owner's devices share.
    pub fn synchronised(mut self) -> SoftKey {
        self.flags |= SHAREABLE | SHARED;
        self
    }

    /// Used on another page.
    pub fn at(self, origin: &'static str) -> SoftKey {
        SoftKey { origin, ..self }
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Struct) -> Vec<u8> {
        let challenge = member(options, "challenge");
        let origin = self.origin;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#).into_bytes()
    }

    fn credential(&self, response: &[(&str, Kind)]) -> Struct {
        object(&[
            ("id", string(text(&self.id))),
            ("rawId", string(text(&self.id))),
            ("type", string("public-key")),
            ("response", Kind::StructValue(object(response))),
            ("clientExtensionResults", Kind::StructValue(Struct::default())),
        ])
    }

    /// Makes the passkey that is asked for (`navigator.credentials.create`).
    pub fn create(&mut self, options: &Struct) -> Struct {
        self.user_handle = member(options, "user.id");
        let mut data = self.data(self.flags | ATTESTED);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(self.id);
        // A COSE key: EC2, ES256, P-256.
        let point = self.pair.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..]);
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        attestation.push(u8::try_from(data.len()).unwrap());
        attestation.extend(data);
        let client_data = self.client_data("webauthn.create", options);
        self.credential(&[
            ("clientDataJSON", string(text(&client_data))),
            ("attestationObject", string(text(&attestation))),
        ])
    }

    /// Signs what is asked for (`navigator.credentials.get`).
    pub fn get(&mut self, options: &Struct) -> Struct {
        self.counter += 1;
        self.get_uncounted(options)
    }

    /// The same on one that does not count.
    pub fn get_uncounted(&self, options: &Struct) -> Struct {
        let data = self.data(self.flags);
        let client_data = self.client_data("webauthn.get", options);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        self.credential(&[
            ("clientDataJSON", string(text(&client_data))),
            ("authenticatorData", string(text(&data))),
            ("signature", string(text(signature.as_ref()))),
            ("userHandle", string(self.user_handle.clone())),
        ])
    }
}

impl Harness {
    /// Enrols a passkey in a session, and gives what the session is worth since.
    pub async fn enroll_passkey(
        &self,
        session: &pb::Credentials,
        key: &mut SoftKey,
    ) -> (pb::FinishPasskeyResponse, pb::Credentials) {
        let own = self.caller.as_user(session);
        let begun = own.begin_passkey("accounts/me").await.unwrap();
        let options = begun.options.unwrap();
        assert!(base64url(&member(&options, "challenge")).len() >= 16);
        let finished = own.finish_passkey(&begun.challenge, key.create(&options)).await.unwrap();
        let raised = finished.credentials.clone().unwrap();
        (finished, pb::Credentials { refresh_token: session.refresh_token.clone(), ..raised })
    }

    /// Asks for a passkey without a name, and signs in with this one.
    pub async fn passkey_sign_in(&self, key: &mut SoftKey) -> Result<pb::Credentials, Fault> {
        let asked = self.caller.begin_passkey_sign_in("").await.unwrap();
        self.caller.sign_in_with_passkey(&asked.challenge, key.get(&asked.options.unwrap())).await
    }
}
