//! The settings of providers: what cannot work is named with its place before anything starts.

use mainstay_auth::Config;
use mainstay_auth::providers::{Preset, ProviderConfig, Texts};

fn texts(texts: &[&str]) -> Texts {
    Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn good() -> ProviderConfig {
    ProviderConfig {
        issuer: Some("https://idp.example.org".to_owned()),
        client_id: "client".to_owned(),
        ..Default::default()
    }
}

/// The paths of what is wrong with a provider.
fn wrong(id: &str, change: impl FnOnce(&mut ProviderConfig)) -> Vec<String> {
    let mut provider = good();
    change(&mut provider);
    let config = Config { providers: [(id.to_owned(), provider)].into(), ..Config::default() };
    let problems = config.all_problems();
    assert!(
        problems.iter().all(|(_, remedy)| remedy.starts_with("must ") || remedy.starts_with("has ")),
        "{problems:?}"
    );
    problems.into_iter().map(|(path, _)| path).collect()
}

#[test]
fn what_can_work_is_taken() {
    assert_eq!(wrong("my_idp-2", |_| {}), [""; 0]);
    let usual = |preset| {
        move |provider: &mut ProviderConfig| {
            (provider.preset, provider.issuer, provider.client_secret) =
                (preset, None, Some("secret".to_owned().into()));
        }
    };
    for preset in [Preset::Google, Preset::Github, Preset::Gitlab, Preset::Discord] {
        assert_eq!(wrong("idp", usual(preset)), [""; 0], "{preset:?}");
    }
    let tenant = |provider: &mut ProviderConfig| {
        usual(Preset::Microsoft)(provider);
        provider.tenant = Some("72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned());
    };
    assert_eq!(wrong("idp", tenant), [""; 0]);
    assert_eq!(
        wrong("idp", |provider| provider.issuer = Some("http://localhost:8180/realms/test".to_owned())),
        [""; 0]
    );
}

#[test]
fn what_cannot_work_is_named_with_its_place() {
    for id in ["", "Google", "a b", "ü", "a/b", &"x".repeat(33)] {
        assert_eq!(wrong(id, |_| {}), [format!("providers.{id}")]);
    }
    assert_eq!(wrong("idp", |it| it.client_id = " ".to_owned()), ["providers.idp.client_id"]);
    assert_eq!(wrong("idp", |it| it.issuer = None), ["providers.idp.issuer"]);
    for issuer in [
        "idp.example.org",
        "http://idp.example.org",
        "https://user@idp.example.org",
        "https://idp.example.org?x",
        "https://idp.example.org#x",
        "javascript:x",
        "https://idp .example.org",
        "",
    ] {
        assert_eq!(wrong("idp", |it| it.issuer = Some(issuer.to_owned())), ["providers.idp.issuer"], "{issuer}");
    }
    for domains in [["*.example.org"], ["https://example.org"], [""]] {
        assert_eq!(wrong("idp", |it| it.trusted_domains = Some(texts(&domains))), ["providers.idp.trusted_domains"]);
    }
    assert_eq!(wrong("idp", |it| it.scopes = Some(texts(&["email"]))), ["providers.idp.scopes"]);
    assert_eq!(wrong("idp", |it| it.scopes = Some(texts(&["openid", "e mail"]))), ["providers.idp.scopes"]);
    for tenant in [None, Some("common"), Some("organizations"), Some("example.org")] {
        let change = |it: &mut ProviderConfig| {
            (it.preset, it.issuer, it.tenant) = (Preset::Microsoft, None, tenant.map(str::to_owned));
        };
        assert!(wrong("idp", change).contains(&"providers.idp.tenant".to_owned()), "{tenant:?}");
    }
    let github = |it: &mut ProviderConfig| {
        it.preset = Preset::Github;
        it.audiences.insert("ios".to_owned(), "app".to_owned());
    };
    assert_eq!(wrong("idp", github), ["providers.idp.client_secret", "providers.idp.audiences"]);
    let apple = |it: &mut ProviderConfig| {
        (it.preset, it.client_secret, it.private_key) =
            (Preset::Apple, Some("x".to_owned().into()), Some("no key".to_owned().into()));
    };
    let missing = ["key_id", "team_id", "client_secret", "private_key"].map(|key| format!("providers.idp.{key}"));
    assert_eq!(wrong("idp", apple), missing);
}

#[test]
fn two_providers_are_not_one() {
    let config = Config { providers: [("a".to_owned(), good()), ("b".to_owned(), good())].into(), ..Config::default() };
    assert_eq!(config.all_problems().into_iter().map(|(path, _)| path).collect::<Vec<_>>(), ["providers.b.issuer"]);
}

#[test]
fn nobody_comes_back_to_what_is_no_page_of_ones_own() {
    let problems = |address: &str| Config { redirect_uris: texts(&[address]), ..Config::default() }.all_problems();
    for right in [
        "https://app.example.org/signed-in",
        "https://xn--bcher-kva.example/x?y=z",
        "http://localhost:3000/x",
        "http://127.0.0.1/x",
        "http://[::1]:8080/",
        "com.example.app:/signed-in",
        "org.example.app://signed-in",
    ] {
        assert_eq!(problems(right), [], "{right}");
    }
    for wrong in [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example/x",
        "/signed-in",
        "signed-in",
        "https://",
        "https://good@evil.example/",
        "https://good:x@evil.example/",
        "https://bücher.example/",
        "https://app.example.org/#x",
        "http://app.example.org/",
        "https://app.example.org/a b",
        "https://app.example.org\\@evil.example/",
        "https://*.example.org/",
        "app:/x",
        "com.example.app:",
        "ftp://a.example/",
    ] {
        let found = problems(wrong);
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert_eq!(found[0].0, "redirect_uris");
    }
}

#[test]
fn lists_are_lists_or_texts_with_commas_and_what_nobody_knows_is_refused() {
    let read = |json: &str| serde_json::from_str::<Config>(json);
    let list = read(r#"{"redirect_uris": ["https://a.example/x", "https://b.example/x"]}"#).unwrap();
    let text = read(r#"{"redirect_uris": "https://a.example/x, https://b.example/x"}"#).unwrap();
    assert_eq!((&list.redirect_uris, list.redirect_uris.0.len()), (&text.redirect_uris, 2));
    for wrong in [
        r#"{"providers": {"idp": {"secret": "x"}}}"#,
        r#"{"providers": {"idp": {"preset": "facebook"}}}"#,
        r#"{"providers": {"idp": {"claims": {"mail": "x"}}}}"#,
        r#"{"outbound": {"redirects": 3}}"#,
        r#"{"outbound": {"private_networks": "localhost"}}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn secrets_of_providers_are_not_shown() {
    let provider = ProviderConfig {
        client_secret: Some("canary".to_owned().into()),
        private_key: Some("canary".to_owned().into()),
        ..good()
    };
    let config = Config { providers: [("idp".to_owned(), provider)].into(), ..Config::default() };
    assert!(!format!("{config:?}").contains("canary"));
    assert!(!serde_json::to_string(&config).unwrap().contains("canary"));
}
