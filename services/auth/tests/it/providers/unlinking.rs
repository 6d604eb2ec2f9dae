//! Identities go, but never the last way in.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use super::fake::Idp;
use super::{Pair, verified, with_providers};
use crate::harness::{Harness, PASSWORD, config, reason};

const ADA: &str = "ada@example.org";

both_engines! {
    async fn whoever_has_another_way_in_removes_an_identity(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        let (owner, session) = harness.verified(ADA).await;
        let linked = harness.link_by(&session, "idp", &pair.idp).await.unwrap();
        let (_, eve) = harness.verified("eve@example.org").await;
        let others = [harness.caller.as_user(&eve), harness.caller.as_operator()];
        for other in &others {
            assert_eq!(reason(other.delete_identity(&linked.name).await), Reason::ResourceNotFound);
        }
        assert_eq!(reason(others[0].get_identity(&linked.name).await), Reason::ResourceNotFound);
        assert_eq!(reason(others[0].list_identities(&owner.name).await), Reason::ResourceNotFound);
        assert_eq!(others[1].list_identities(&owner.name).await.unwrap(), std::slice::from_ref(&linked));
        let own = harness.caller.as_user(&session);
        own.delete_identity(&linked.name).await.unwrap();
        assert_eq!(reason(own.delete_identity(&linked.name).await), Reason::ResourceNotFound);
        harness.mail("identity_removed", ADA).await;
        assert_eq!(own.list_identities("accounts/me").await.unwrap(), []);
        let events = own.list_audit_events(mainstay_proto::auth::v1::ListAuditEventsRequest { parent: owner.name.clone(), ..Default::default() }).await.unwrap();
        assert!(events.audit_events.iter().any(|event| event.action == "identities.unlink" && event.subject == linked.name));
        // Who comes by it now is somebody who is not known.
        let came = pair.come(json!({"sub": "248289761001"})).await.unwrap();
        assert_ne!(Harness::account_of(&came).uid, owner.uid);
    }

    async fn the_last_way_in_stays(engine: Engine) {
        let (first, second) = (Idp::start().await, Idp::start().await);
        let settings = with_providers(config(), vec![("first", first.config()), ("second", second.config())]);
        let harness = Harness::with_config(engine, &settings).await;
        first.follow(&harness.clock);
        second.follow(&harness.clock);
        let session = harness.come_by("first", &first).await.unwrap();
        let own = harness.caller.as_user(&session);
        let only = own.list_identities("accounts/me").await.unwrap().remove(0);
        assert_eq!(reason(own.delete_identity(&only.name).await), Reason::FailedPrecondition);
        let other = harness.link_by(&session, "second", &second).await.unwrap();
        own.delete_identity(&only.name).await.unwrap();
        assert_eq!(reason(own.delete_identity(&other.name).await), Reason::FailedPrecondition);
        // One by which nobody comes in is no way in.
        let only = harness.link_by(&session, "first", &first).await.unwrap();
        let mut off = settings.clone();
        off.providers.get_mut("second").unwrap().enabled = false;
        let harness = harness.restart(&off).await;
        let own = harness.caller.as_user(&session);
        assert_eq!(reason(own.delete_identity(&only.name).await), Reason::FailedPrecondition);
        own.delete_identity(&other.name).await.unwrap();
    }

    async fn a_verified_address_is_a_way_in(engine: Engine) {
        let pair = Pair::start(engine).await;
        let session = pair.come(verified("ada", ADA)).await.unwrap();
        let own = pair.harness.caller.as_user(&session);
        let identity = own.list_identities("accounts/me").await.unwrap().remove(0);
        own.delete_identity(&identity.name).await.unwrap();
        pair.harness.caller.request_sign_in(ADA).await.unwrap();
        pair.harness.caller.sign_in_with_link(&pair.harness.token("sign_in", ADA).await).await.unwrap();
    }

    async fn two_who_remove_one_each_leave_one(engine: Engine) {
        let pair = Pair::start(engine).await;
        let session = pair.come(json!({"sub": "one"})).await.unwrap();
        pair.idp.script().user = json!({"sub": "two"});
        pair.harness.link_by(&session, "idp", &pair.idp).await.unwrap();
        let own = pair.harness.caller.as_user(&session);
        let calls: Vec<_> = own.list_identities("accounts/me").await.unwrap().into_iter().map(|identity| {
            let own = own.clone();
            tokio::spawn(async move { own.delete_identity(&identity.name).await })
        }).collect();
        let mut removed = 0;
        for call in calls {
            removed += usize::from(call.await.unwrap().is_ok());
        }
        assert_eq!((removed, own.list_identities("accounts/me").await.unwrap().len()), (1, 1));
    }

    async fn removing_wants_an_owner_who_has_just_shown_who_they_are(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        let (_, session) = harness.verified(ADA).await;
        let linked = harness.link_by(&session, "idp", &pair.idp).await.unwrap();
        harness.clock.advance_seconds(290);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        harness.clock.advance_seconds(11);
        assert_eq!(reason(harness.caller.as_user(&session).delete_identity(&linked.name).await), Reason::InsufficientUserAuthentication);
        let older = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        harness.enroll(&older).await.unwrap();
        // Of one factor, where the account has two.
        harness.caller.as_user(&older).delete_identity(&linked.name).await.unwrap_err();
    }

    async fn identities_go_with_their_account(engine: Engine) {
        let pair = Pair::start(engine).await;
        let session = pair.come(verified("ada", ADA)).await.unwrap();
        let uid = Harness::account_of(&session).uid.clone();
        pair.harness.caller.as_user(&session).delete("accounts/me", "", "").await.unwrap();
        let again = pair.come(verified("ada", ADA)).await.unwrap();
        assert_ne!(Harness::account_of(&again).uid, uid);
    }
}
