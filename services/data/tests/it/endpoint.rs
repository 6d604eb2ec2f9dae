//! The data service's own port: no principal comes in but by a credential.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use mainstay_layers::Body;
use mainstay_runtime::channel::{Call, Channel, GrpcChannel};
use mainstay_testkit::both_engines;
use mainstay_wire::frame;
use prost_reflect::DescriptorPool;
use serde_json::json;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::contract_service::guards;
use crate::contracts::{library, notes};
use crate::support::Fixture;

pub fn port(fixture: &Fixture) -> Arc<dyn Channel> {
    let platform = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    Arc::new(GrpcChannel::in_memory(fixture.data.listener(&platform, |routes| routes, guards())))
}

fn named(path: &str, name: &str, principal: Principal) -> Call {
    let mut request = Vec::new();
    frame::put_bytes(1, name.as_bytes(), &mut request);
    Call::new(path, principal, Bytes::from(request))
}

both_engines! {
    async fn a_resource_is_served_over_grpc_as_in_memory(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2; string body = 3;")).await;
        let note = json!({"title": "A", "body": "B"});
        fixture.anonymous().ok("note.v1.NoteService/CreateNote", json!({"note_id": "a", "note": note})).await;
        let port = port(&fixture);
        let path = "/note.v1.NoteService/GetNote";
        let answer = port.call(named(path, "notes/a", Principal::anonymous())).await.unwrap().message().unwrap();
        let direct = fixture.data.resources().call(named(path, "notes/a", Principal::anonymous())).await.unwrap();
        assert_eq!(answer, direct);
        let mut masked = named(path, "notes/a", Principal::anonymous());
        masked.metadata.insert("x-goog-fieldmask", "title".parse().unwrap());
        let part = port.call(masked).await.unwrap().message().unwrap();
        assert_eq!((frame::string(&part, 2).unwrap(), frame::string(&part, 3).unwrap()), (Some("A"), None));
        let mut masked = named(path, "notes/a", Principal::anonymous());
        for field in ["title", "name, body"] {
            masked.metadata.append("x-goog-fieldmask", field.parse().unwrap());
        }
        assert_eq!(port.call(masked).await.unwrap().message().unwrap().len(), 9 + 3 + 3, "several are one list");
        let missing = port.call(named(path, "notes/none", Principal::anonymous())).await.err().unwrap();
        assert_eq!(missing.reason(), Some(Reason::ResourceNotFound));
        let unknown = named("/note.v1.NoteService/Nothing", "", Principal::anonymous());
        let fault = port.call(unknown).await.err().unwrap();
        assert_eq!(fault.code(), tonic::Code::Unimplemented);
    }

    async fn a_principal_that_is_only_claimed_is_nobody(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let port = port(&fixture);
        let path = "/lib.v1.BookService/DeleteBook";
        for claimed in [Principal::system(), Principal::service("gateway", vec!["mainstay.admin".to_owned()])] {
            let fault = port.call(named(path, "publishers/p/books/b", claimed.clone())).await.err().unwrap();
            assert_eq!(fault.reason(), Some(Reason::Unauthenticated));
            let contract = named("/mainstay.data.v1.ContractService/GetContract", "", claimed);
            let fault = port.call(contract).await.err().unwrap();
            assert_eq!(fault.reason(), Some(Reason::Unauthenticated));
        }
    }

    async fn a_message_that_cannot_be_read_is_refused_with_a_reason(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let platform = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
        let listener = fixture.data.listener(&platform, |routes| routes, guards());
        let cut_off = Bytes::from_static(&[0, 0, 0, 0, 9, 1]);
        let request = Request::post("/note.v1.NoteService/GetNote").header("content-type", "application/grpc");
        let response = listener.oneshot(request.body(Body::new(Full::new(cut_off))).unwrap()).await.unwrap();
        let status = Status::from_header_map(response.headers()).expect("the answer is a status");
        let fault = Fault::from_status(status);
        assert_eq!((fault.code(), fault.reason()), (Code::InvalidArgument, Some(Reason::MalformedRequest)));
    }
}
