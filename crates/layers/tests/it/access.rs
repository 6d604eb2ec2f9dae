//! Every policy against every kind of caller.

use crate::desk::{bench, credential, get};
use mainstay_fault::Reason;
use mainstay_identity::{Actor, Principal, User, roles};
use mainstay_layers::{Access, Effect};
use tonic::Code;

#[test]
fn every_policy_decides_for_every_kind_of_caller() {
    let anonymous = Principal::anonymous();
    let user = Principal::user(User { uid: "u".into(), ..User::default() });
    let admin = Principal::user(User { uid: "a".into(), roles: vec![roles::ADMIN.into()], ..User::default() });
    let service = Principal::service("gateway", vec![roles::SERVICE.into()]);
    let system = Principal::system();
    let nobody = Access::roles(Vec::<Box<str>>::new());
    let (open, members, admins) = (Access::Anyone, Access::SignedIn, Access::roles([roles::ADMIN, "other"]));
    let strangers = Access::Strangers;
    let (ok, unauthenticated, denied) = (None, Some(Code::Unauthenticated), Some(Code::PermissionDenied));
    for (access, caller, expected) in [
        (&open, &anonymous, ok),
        (&open, &user, ok),
        (&strangers, &anonymous, ok),
        (&members, &anonymous, unauthenticated),
        (&members, &user, ok),
        (&members, &service, ok),
        (&members, &system, ok),
        (&admins, &anonymous, unauthenticated),
        (&admins, &user, denied),
        (&admins, &admin, ok),
        (&admins, &service, denied),
        (&admins, &system, ok),
        (&nobody, &anonymous, unauthenticated),
        (&nobody, &admin, denied),
        (&nobody, &system, ok),
    ] {
        let decided = access.check(caller).err().map(|fault| fault.code());
        assert_eq!(decided, expected, "{access:?} for {caller:?}");
    }
}

#[test]
fn who_has_the_role_in_a_session_that_is_not_worth_it_is_told_what_would_help() {
    let withheld = User { uid: "a".into(), withheld: vec![roles::ADMIN.into()], ..User::default() };
    let admin = Principal::user(withheld);
    assert!(!admin.has_role(roles::ADMIN));
    let refused = Access::roles([roles::ADMIN]).check(&admin).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::InsufficientUserAuthentication));
    assert_eq!(refused.metadata("acr_values"), Some("aal2"));
    assert_eq!(Access::roles(["other"]).check(&admin).unwrap_err().code(), Code::PermissionDenied);
    assert!(Access::SignedIn.check(&admin).is_ok());
}

/// What is shown to an endpoint alone is read by no one before it, makes nobody its caller, and is passed on to nobody behind.
#[tokio::test]
async fn what_strangers_show_is_for_the_endpoint_alone() {
    let bench = bench(10);
    for shown in ["Basic YTpi", "Bearer something.of.others", "nonsense", &credential("gateway")] {
        let seen = bench.json(get("/t.S/Strangers").header("authorization", shown)).await;
        assert_eq!((&seen["uid"], &seen["token"]), (&serde_json::Value::Null, &serde_json::json!(false)), "{shown}");
        assert!(seen["headers"].as_array().unwrap().contains(&serde_json::json!("authorization")), "{shown}");
        // Everywhere else, what is no good credential is refused.
        let elsewhere = bench.send(get("/t.S/Open").header("authorization", shown)).await.status();
        assert_eq!(elsewhere.is_success(), shown == credential("gateway"), "{shown}");
    }
}

#[test]
fn whoever_acts_as_somebody_else_reads_changes_where_allowed_and_governs_nothing() {
    let actor = || Some(Actor { uid: "support".into(), session_id: "s".into(), epoch: 0 });
    let user = Principal::user(User { uid: "u".into(), ..User::default() });
    let reading = Principal::user(User { uid: "u".into(), actor: actor(), ..User::default() });
    let writing = Principal::user(User { uid: "u".into(), actor: actor(), may_change: true, ..User::default() });
    // Said of nobody who acts as somebody else it means nothing.
    let odd = Principal::user(User { uid: "u".into(), may_change: true, ..User::default() });
    let denied = Some(Code::PermissionDenied);
    for (caller, reads, changes, governs, open) in [
        (&user, None, None, None, None),
        (&odd, None, None, None, None),
        (&reading, None, denied, denied, None),
        (&writing, None, None, denied, None),
        (&Principal::anonymous(), None, None, None, None),
    ] {
        let decided = |effect: Effect, access| effect.admit(caller, &access).err().map(|fault| fault.code());
        assert_eq!(decided(Effect::Reads, Access::SignedIn), reads, "{caller:?}");
        assert_eq!(decided(Effect::Changes, Access::Anyone), changes, "rules say who may: {caller:?}");
        assert_eq!(decided(Effect::Governs, Access::SignedIn), governs, "{caller:?}");
        assert_eq!(decided(Effect::Governs, Access::Anyone), open, "{caller:?}");
    }
}

#[test]
fn whoever_comes_through_a_service_of_the_applications_does_what_the_application_does() {
    let through = Principal::user(User { uid: "u".into(), upstream: Some("pricing".into()), ..User::default() });
    let decided = |effect: Effect, access| effect.admit(&through, &access).err().map(|fault| fault.code());
    for access in [Access::Anyone, Access::SignedIn] {
        assert_eq!(decided(Effect::Reads, access.clone()), None);
        assert_eq!(decided(Effect::Changes, access.clone()), None);
        assert_eq!(decided(Effect::Inspects, access.clone()), Some(Code::PermissionDenied));
        assert_eq!(decided(Effect::Governs, access), Some(Code::PermissionDenied));
    }
    // Both hold of who acts as somebody else, too.
    let actor = Some(Actor { uid: "support".into(), session_id: "s".into(), epoch: 0 });
    let both = User { uid: "u".into(), upstream: Some("pricing".into()), actor, ..User::default() };
    let changes = Effect::Changes.admit(&Principal::user(both), &Access::Anyone);
    assert_eq!(changes.err().map(|fault| fault.code()), Some(Code::PermissionDenied));
}
