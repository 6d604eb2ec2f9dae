//! Providers that many use, as far as they are different: GitHub, Discord, Apple, Google, Microsoft.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mainstay_auth::providers::{Preset, ProviderConfig};
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::fake::{Idp, query};
use super::{PAGE, Pair, verified};
use crate::harness::{Harness, config, fields, reason};

const ADA: &str = "ada@example.org";
const JSON: &str = "application/json; charset=utf-8";

fn told(pair: &Pair, path: &'static str, answer: &Value) {
    pair.idp.script().answers.insert(path, (200, JSON, answer.to_string()));
}

fn of(preset: Preset) -> impl FnOnce(&mut ProviderConfig) {
    move |provider| provider.preset = preset
}

both_engines! {
    async fn github_is_asked_who_it_is_and_which_addresses_are_verified(engine: Engine) {
        let pair = Pair::with(engine, config(), of(Preset::Github)).await;
        let started = pair.harness.caller.start_sign_in("idp", PAGE).await.unwrap();
        assert!(started.authorization_uri.starts_with(&format!("{}/login/oauth/authorize?", pair.idp.url)));
        let sent = query(&started.authorization_uri);
        assert_eq!((&*sent["scope"], sent.get("nonce"), &*sent["code_challenge_method"]), ("read:user user:email", None, "S256"));
        let user = json!({"id": 583_231, "login": "ada", "name": null, "avatar_url": "https://avatars.example.org/ada", "email": "public@example.org"});
        told(&pair, "/api/v3/user", &user);
        let entry = |email: &str, primary: Value, verified: Value| json!({"email": email, "primary": primary, "verified": verified, "visibility": null});
        let (yes, no) = (json!(true), json!(false));
        let lists = [
            (json!([entry("other@example.org", no.clone(), yes.clone()), entry(ADA, yes.clone(), yes.clone())]), ADA, true),
            // The first one is not verified, and another one is: that is the user's.
            (json!([entry("victim@example.org", yes.clone(), no.clone()), entry(ADA, no.clone(), yes.clone())]), ADA, true),
            (json!([entry("victim@example.org", yes.clone(), no.clone())]), "", false),
            (json!([entry("victim@example.org", yes.clone(), json!("true"))]), "", false),
            (json!([entry("victim@example.org", yes.clone(), Value::Null)]), "", false),
            (json!([]), "", false),
        ];
        for (number, (list, email, is_verified)) in lists.into_iter().enumerate() {
            let mut user = user.clone();
            user["id"] = json!(number);
            told(&pair, "/api/v3/user", &user);
            told(&pair, "/api/v3/user/emails", &list);
            let session = pair.harness.come_by("idp", &pair.idp).await.unwrap();
            let account = Harness::account_of(&session).clone();
            assert_eq!((account.email.as_str(), account.email_verified, account.display_name.as_str()), (email, is_verified, "ada"), "{list}");
            if is_verified {
                pair.harness.caller.as_operator().delete(&account.name, "", "").await.unwrap();
            }
        }
        for (path, broken) in [("/api/v3/user", json!({"id": "no number"})), ("/api/v3/user/emails", json!({"message": "Bad credentials"}))] {
            told(&pair, path, &broken);
            assert_eq!(reason(pair.harness.come_by("idp", &pair.idp).await), Reason::ProviderUnavailable);
        }
        assert_eq!(fields(pair.harness.caller.exchange_id_token("idp", "x.y.z", crate::providers::native::NONCE).await), ["provider"]);
        let anew = mainstay_proto::auth::v1::StartSignInRequest { provider: "providers/idp".into(), redirect_uri: PAGE.into(), reauthenticate: true, ..Default::default() };
        assert_eq!(fields(pair.harness.caller.start_sign_in_with(anew).await), ["reauthenticate"]);
        assert!(!pair.harness.caller.list_providers(0, "").await.unwrap().providers[0].id_tokens);
    }

    async fn discord_says_of_its_one_address_whether_it_is_verified(engine: Engine) {
        let pair = Pair::with(engine, config(), of(Preset::Discord)).await;
        let (owner, _) = pair.harness.verified(ADA).await;
        let answers = [(json!(true), true), (json!(false), false), (json!("true"), false), (Value::Null, false)];
        for (number, (lie, is_owner)) in answers.into_iter().enumerate() {
            let mut user = json!({"id": format!("80351110224678912{number}"), "username": "ada", "global_name": "Ada", "avatar": "8342729096ea3675442027381ff50dfe", "locale": "en-GB", "email": ADA});
            if !lie.is_null() {
                user["verified"] = lie.clone();
            }
            told(&pair, "/api/users/@me", &user);
            let session = pair.harness.come_by("idp", &pair.idp).await.unwrap();
            assert_eq!(Harness::account_of(&session).uid == owner.uid, is_owner, "{lie}");
        }
    }

    async fn apple_is_shown_a_secret_that_its_key_has_signed(engine: Engine) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let public = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap().public_key().as_ref().to_vec();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8.as_ref()));
        let pair = Pair::with(engine, config(), |provider| {
            provider.preset = Preset::Apple;
            provider.client_secret = None;
            provider.private_key = Some(pem.replace('\n', "\\n").into());
            (provider.key_id, provider.team_id) = (Some("KEY7654321".to_owned()), Some("TEAM123456".to_owned()));
            provider.trusted_domains = None;
        }).await;
        let url = pair.idp.url.clone();
        let accepts = move |secret: &str| {
            let (signed, signature) = secret.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let is_signed = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public).verify(signed.as_bytes(), &signature).is_ok();
            let part = |index: usize| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(signed.split('.').nth(index).unwrap()).unwrap()).unwrap();
            let claims = json!({"iss": "TEAM123456", "iat": 1_800_000_000, "exp": 1_800_000_300, "aud": url, "sub": crate::providers::fake::CLIENT});
            is_signed && part(0)["kid"] == "KEY7654321" && part(0)["alg"] == "ES256" && part(1) == claims
        };
        pair.idp.script().accepts = Some(Box::new(accepts));
        pair.idp.script().metadata = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}).as_object().unwrap().clone();
        let started = pair.harness.caller.start_sign_in("idp", PAGE).await.unwrap();
        let sent = query(&started.authorization_uri);
        assert_eq!((&*sent["response_mode"], &*sent["scope"]), ("form_post", "openid email name"));
        let session = pair.come(verified("001234.ada", "ada@privaterelay.appleid.com")).await.unwrap();
        assert!(Harness::account_of(&session).email_verified);
        // It writes the boolean as a text where it likes to: nobody is linked by that, and nobody is kept out.
        let session = pair.come(json!({"sub": "001234.eve", "email": "eve@icloud.com", "email_verified": "true"})).await.unwrap();
        assert_eq!(Harness::account_of(&session).email, "");
    }

    async fn google_is_believed_for_its_own_domain_and_for_that_of_a_workspace(engine: Engine) {
        let pair = Pair::with(engine, config(), |provider| {
            (provider.preset, provider.trusted_domains) = (Preset::Google, None);
        }).await;
        let google = json!({"sub": "1", "email": "ada@gmail.com", "email_verified": true});
        assert!(Harness::account_of(&pair.come(google).await.unwrap()).email_verified);
        let workspace = json!({"sub": "2", "email": ADA, "email_verified": true, "hd": "Example.org"});
        assert!(Harness::account_of(&pair.come(workspace).await.unwrap()).email_verified);
        for (number, hd) in [json!("example.com"), json!(""), json!(true), Value::Null].into_iter().enumerate() {
            let email = format!("eve-{number}@example.org");
            let user = json!({"sub": email, "email": email, "email_verified": true, "hd": hd});
            assert!(!Harness::account_of(&pair.come(user).await.unwrap()).email_verified);
        }
        pair.idp.script().claims.insert("iss".to_owned(), json!("accounts.google.com"));
        pair.come(json!({"sub": "1"})).await.unwrap();
    }

    async fn microsofts_addresses_count_where_it_says_that_their_domain_is_the_tenants(engine: Engine) {
        let pair = Pair::with(engine, config(), |provider| provider.preset = Preset::Microsoft).await;
        let (owner, _) = pair.harness.verified(ADA).await;
        for (number, claims) in [json!({"email_verified": true}), json!({"xms_edov": "1"}), json!({"xms_edov": 1}), json!({"xms_edov": false})].into_iter().enumerate() {
            let mut user = json!({"sub": format!("user {number}"), "email": ADA});
            user.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
            assert_ne!(Harness::account_of(&pair.come(user).await.unwrap()).uid, owner.uid, "{claims}");
        }
        let session = pair.come(json!({"sub": "owner", "email": ADA, "xms_edov": true})).await.unwrap();
        assert_eq!(Harness::account_of(&session).uid, owner.uid);
    }

    async fn a_provider_that_takes_the_secret_in_the_body_gets_it_there(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.idp.script().accepts = Some(Box::new(|secret| secret == crate::providers::fake::SECRET));
        assert_eq!(reason(pair.come(json!({"sub": "ada"})).await), Reason::ProviderRefused, "it stands in the header");
        let pair = Pair::start(engine).await;
        pair.idp.script().accepts = Some(Box::new(|secret| secret == crate::providers::fake::SECRET));
        pair.idp.script().metadata = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}).as_object().unwrap().clone();
        pair.come(json!({"sub": "ada"})).await.unwrap();
        // A client without a secret says who it is, and PKCE does the rest.
        let pair = Pair::with(engine, config(), |provider| provider.client_secret = None).await;
        pair.idp.script().accepts = Some(Box::new(str::is_empty));
        pair.come(json!({"sub": "ada"})).await.unwrap();
    }
}

#[tokio::test]
async fn providers_are_listed_a_page_at_a_time() {
    let idp = Idp::start().await;
    let mut providers = Vec::new();
    for (id, preset) in [("b-google", Preset::Google), ("a_discord", Preset::Discord), ("c", Preset::Gitlab)] {
        providers.push((id, ProviderConfig { preset, issuer: None, ..idp.config() }));
    }
    let mut off = idp.config();
    off.enabled = false;
    providers.push(("off", off));
    let base = crate::providers::with_providers(config(), providers);
    let harness = Harness::with_config(mainstay_testkit::Engine::Sqlite, &base).await;
    let first = harness.caller.list_providers(2, "").await.unwrap();
    let names = |page: &[mainstay_proto::auth::v1::Provider]| {
        page.iter().map(|it| (it.name.clone(), it.display_name.clone())).collect::<Vec<_>>()
    };
    let named = |id: &str, name: &str| (format!("providers/{id}"), name.to_owned());
    assert_eq!(names(&first.providers), [named("a_discord", "Discord"), named("b-google", "Google")]);
    let last = harness.caller.list_providers(2, &first.next_page_token).await.unwrap();
    assert_eq!((names(&last.providers), last.next_page_token.as_str()), (vec![named("c", "GitLab")], ""));
    assert_eq!(reason(harness.caller.list_providers(0, "x").await), Reason::InvalidPageToken);
    assert_eq!(fields(harness.caller.list_providers(-1, "").await), ["page_size"]);
}
