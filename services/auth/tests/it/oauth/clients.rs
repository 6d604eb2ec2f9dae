use mainstay_auth::domain::oauth::client::{OAuthClient, OAuthClientId};
use mainstay_auth::store::oauth::clients;
use mainstay_db::Atomic;
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use super::{Shop, by_code, public, refused, wanted};
use crate::harness::{Harness, fields, reason};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

both_engines! {
    async fn a_client_is_registered_and_its_secret_is_shown_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let made = operator.register(wanted()).await.unwrap();
        assert!(made.client_secret.starts_with("mcs_") && made.client_secret.len() == 47);
        assert_eq!(made.name, format!("oauthClients/{}", made.client_id));
        assert_eq!(made.scopes, ["openid", "profile", "email", "offline_access"]);
        let shown = operator.get_client(&made.name).await.unwrap();
        assert_eq!(shown, pb::OAuthClient { client_secret: String::new(), ..made.clone() });
        assert_eq!(operator.list_clients(0, "").await.unwrap().oauth_clients, std::slice::from_ref(&shown));
        assert!(!contains(&harness.file(), &made.client_secret));
        let second = operator.register(public()).await.unwrap();
        assert!(second.client_secret.is_empty());
        let page = operator.list_clients(1, "").await.unwrap();
        assert_eq!(page.oauth_clients, [shown]);
        let rest = operator.list_clients(1, &page.next_page_token).await.unwrap();
        assert_eq!((&rest.oauth_clients[..], rest.next_page_token.as_str()), (&[second.clone()][..], ""));
        operator.delete_client(&second.name, "").await.unwrap();
        assert_eq!(reason(operator.get_client(&second.name).await), Reason::ResourceNotFound);
    }

    async fn what_is_wrong_with_a_client_is_said_all_at_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let bad = pb::OAuthClient {
            display_name: "two\nlines".to_owned(),
            client_uri: "javascript:alert(1)".to_owned(),
            redirect_uris: vec!["https://a.example/".to_owned(), "https://a.example/#x".to_owned(), "com.example:/x".to_owned()],
            post_logout_redirect_uris: vec!["//evil.example".to_owned()],
            scopes: vec!["openid".to_owned(), "admin".to_owned()],
            grants: vec![1, 9],
            jwks: "{}".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            fields(operator.register(bad).await),
            [
                "oauth_client.display_name",
                "oauth_client.client_uri",
                "oauth_client.redirect_uris[1]",
                "oauth_client.redirect_uris[2]",
                "oauth_client.post_logout_redirect_uris[0]",
                "oauth_client.scopes[1]",
                "oauth_client.grants[1]",
                "oauth_client.jwks",
            ]
        );
        let none = pb::OAuthClient { redirect_uris: Vec::new(), ..wanted() };
        assert_eq!(fields(operator.register(none).await), ["oauth_client.redirect_uris"]);
        let unknown = pb::OAuthClient { authentication: 9, ..wanted() };
        assert_eq!(fields(operator.register(unknown).await), ["oauth_client.authentication"]);
        let unsigned = pb::OAuthClient { authentication: 2, ..wanted() };
        assert_eq!(fields(operator.register(unsigned).await), ["oauth_client.jwks"]);
        let own = pb::OAuthClient { redirect_uris: vec!["com.example.app:/in".to_owned()], ..public() };
        operator.register(own).await.unwrap();
        let many = pb::OAuthClient { redirect_uris: vec!["https://a.example/".to_owned(); 17], ..wanted() };
        assert_eq!(fields(operator.register(many).await), ["oauth_client.redirect_uris"]);
    }

    async fn a_client_is_changed_by_a_mask_and_an_etag(engine: Engine) {
        let Shop { harness, client, .. } = Shop::open(engine).await;
        let operator = harness.caller.as_operator();
        let named = pb::OAuthClient { name: client.name.clone(), display_name: "Other".to_owned(), ..Default::default() };
        let changed = operator.update_client(named.clone(), &["display_name"]).await.unwrap();
        assert_eq!((changed.display_name.as_str(), &changed.redirect_uris), ("Other", &client.redirect_uris));
        let stale = pb::OAuthClient { etag: client.etag.clone(), ..named.clone() };
        assert_eq!(reason(operator.update_client(stale, &["display_name"]).await), Reason::EtagMismatch);
        assert_eq!(reason(operator.update_client(named.clone(), &["authentication"]).await), Reason::InvalidMask);
        assert_eq!(fields(operator.update_client(named, &["redirect_uris"]).await), ["oauth_client.redirect_uris"]);
        assert_eq!(reason(operator.delete_client(&client.name, &client.etag).await), Reason::EtagMismatch);
    }

    async fn a_secret_is_rotated_with_an_overlap(engine: Engine) {
        let shop = Shop::open(engine).await;
        let operator = shop.harness.caller.as_operator();
        let next = operator.rotate_secret(&shop.client.name, Some(60)).await.unwrap();
        assert!(next.client_secret.starts_with("mcs_") && next.client_secret != shop.client.client_secret);
        for client in [&shop.client, &next] {
            let issued = shop.harness.caller.issue(by_code(client, &shop.code().await)).await.unwrap();
            assert_eq!(issued.error, None);
        }
        shop.harness.clock.advance_seconds(61);
        let issued = shop.harness.caller.issue(by_code(&shop.client, &shop.code().await)).await.unwrap();
        assert_eq!(refused(&issued), "invalid_client");
        let issued = shop.harness.caller.issue(by_code(&next, &shop.code().await)).await.unwrap();
        assert_eq!(issued.error, None);
        assert_eq!(fields(operator.rotate_secret(&shop.client.name, Some(31 * 86_400)).await), ["overlap"]);
        let none = operator.register(public()).await.unwrap();
        assert_eq!(reason(operator.rotate_secret(&none.name, None).await), Reason::FailedPrecondition);
    }

    async fn as_many_clients_as_there_may_be_are_listed_however_much_each_has(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let long = |index: usize| format!("https://app.example.net/{index}/{}", "x".repeat(960));
        let large = pb::OAuthClient { redirect_uris: (0..16).map(long).collect(), ..wanted() };
        let made = operator.register(large).await.unwrap();
        let filled = harness.database.write(Atomic::Transaction, move |conn| {
            let id: OAuthClientId = made.client_id.parse().unwrap();
            Box::pin(async move {
                let row = clients::find(conn, id).await?.unwrap();
                let mut client = OAuthClient::try_from(row).unwrap();
                for index in 0..998 {
                    client.id = OAuthClientId::generate();
                    client.redirect_uris.truncate(if index < 99 { 16 } else { 1 });
                    clients::insert(conn, &client).await?;
                }
                Ok::<_, mainstay_db::Error>(())
            })
        });
        filled.await.unwrap();
        operator.register(wanted()).await.unwrap();
        assert_eq!(reason(operator.register(wanted()).await), Reason::FailedPrecondition);
        let (mut names, mut token) = (std::collections::HashSet::new(), String::new());
        loop {
            let page = operator.list_clients(100, &token).await.unwrap();
            assert!(!page.oauth_clients.is_empty());
            names.extend(page.oauth_clients.into_iter().map(|client| client.name));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(names.len(), 1_000);
    }

    async fn nobody_but_an_administrator_registers_clients(engine: Engine) {
        let Shop { harness, client, ada, .. } = Shop::open(engine).await;
        for (caller, expected) in [(&harness.caller, Reason::Unauthenticated), (&ada, Reason::PermissionDenied)] {
            assert_eq!(reason(caller.register(pb::OAuthClient::default()).await), expected);
            assert_eq!(reason(caller.get_client(&client.name).await), expected);
            assert_eq!(reason(caller.list_clients(-1, "no token").await), expected);
            assert_eq!(reason(caller.update_client(client.clone(), &[]).await), expected);
            assert_eq!(reason(caller.delete_client("no name", "").await), expected);
            assert_eq!(reason(caller.rotate_secret("no name", None).await), expected);
        }
    }

    async fn what_a_client_has_goes_with_it(engine: Engine) {
        let shop = Shop::open(engine).await;
        let tokens = shop.tokens().await;
        let code = shop.code().await;
        assert_eq!(shop.ada.list_consents("accounts/me").await.unwrap().len(), 1);
        shop.harness.caller.as_operator().delete_client(&shop.client.name, "").await.unwrap();
        assert_eq!(shop.ada.list_consents("accounts/me").await.unwrap(), []);
        assert_eq!(shop.harness.caller.user_info(&tokens.access_token).await, Err("invalid_token".to_owned()));
        let issued = shop.harness.caller.issue(by_code(&shop.client, &code)).await.unwrap();
        assert_eq!(refused(&issued), "invalid_client");
    }
}
