//! S33: the contract is changed by administrators alone. That a change which lets more in waits for somebody's yes is
//! `s33_widened.rs` of the ledger.

use mainstay_fault::Reason;
use mainstay_identity::Principal;
use mainstay_proto::data::v1 as pb;
use mainstay_testkit::both_engines;
use prost::Message as _;

use crate::contract_service::{call, channel, user};
use crate::contracts::notes;
use crate::support::Fixture;

both_engines! {
    async fn s33_only_administrators_and_services_come_to_the_contract(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let channel = channel(&fixture);
        let administration = ["CheckContract", "PlanContract", "ApplyContract"];
        for method in ["GetContract", "WatchContract"].iter().chain(&administration) {
            for (principal, reason) in [
                (Principal::anonymous(), Reason::Unauthenticated),
                (user(&[]), Reason::PermissionDenied),
                (user(&["admin", "merchant"]), Reason::PermissionDenied),
            ] {
                let mut request = call(method, principal, &pb::GetContractRequest {});
                request.target.streams = *method == "WatchContract";
                let fault = channel.call(request).await.err().unwrap_or_else(|| panic!("{method} was answered"));
                assert_eq!(fault.reason(), Some(reason), "{method}");
            }
        }
        for method in administration {
            let request = call(method, user(&["mainstay.service"]), &pb::GetContractRequest {});
            let fault = channel.call(request).await.err().unwrap_or_else(|| panic!("{method} was answered"));
            assert_eq!(fault.reason(), Some(Reason::PermissionDenied), "{method}");
        }
        let service = call("GetContract", user(&["mainstay.service"]), &pb::GetContractRequest {});
        channel.call(service).await.unwrap();
        let revision = |service: pb::Contract| service.revision;
        let read = || call("GetContract", user(&["mainstay.admin"]), &pb::GetContractRequest {});
        let before = pb::Contract::decode(channel.call(read()).await.unwrap().message().unwrap()).unwrap();
        let other = notes("string title = 2; string text = 3;");
        let sources = vec![pb::SourceFile { path: "contract.proto".to_owned(), text: other }];
        let apply = pb::ApplyContractRequest { sources, ..pb::ApplyContractRequest::default() };
        for roles in [&[][..], &["mainstay.service"], &["mainstay.Admin"], &["mainstay.admin "], &["admin"]] {
            let fault = channel.call(call("ApplyContract", user(roles), &apply)).await.err().unwrap_or_else(|| panic!("{roles:?}"));
            assert_eq!(fault.reason(), Some(Reason::PermissionDenied), "{roles:?}");
        }
        let after = pb::Contract::decode(channel.call(read()).await.unwrap().message().unwrap()).unwrap();
        assert_eq!(revision(after), revision(before), "nothing was applied");
    }
}
