//! Every policy against every kind of caller.

use mainstay_identity::{Principal, User, roles};
use mainstay_layers::Access;
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
    let (ok, unauthenticated, denied) = (None, Some(Code::Unauthenticated), Some(Code::PermissionDenied));
    for (access, caller, expected) in [
        (&open, &anonymous, ok),
        (&open, &user, ok),
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
