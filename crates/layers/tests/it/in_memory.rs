//! The inner stack around routes whose frame tonic generates.

use crate::desk::{bench, credential};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use mainstay_identity::{Principal, User};
use mainstay_layers::{Access, Body, Guards, Policies, RoutesEndpoint, Stack, stack};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

/// A service with the frame that tonic generates: answers with the caller's uid, as a handler would find it.
#[derive(Clone)]
struct WhoAmI;

impl NamedService for WhoAmI {
    const NAME: &'static str = "t.R";
}

impl tower::Service<Request<Body>> for WhoAmI {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let request = tonic::Request::from_http(request);
        let caller = mainstay_layers::caller(&request).map(|principal| format!("{:?}", principal.uid()));
        let text = caller.unwrap_or_else(|fault| fault.to_string());
        ready(Ok(Response::new(Body::new(Full::new(Bytes::from(text))))))
    }
}

fn routes() -> Routes {
    Routes::new(WhoAmI)
}

fn policies(guards: &Guards) -> Policies {
    Policies::new().method(&guards.metrics, "/t.R/Open", Access::Anyone, false).method(
        &guards.metrics,
        "/t.R/Members",
        Access::SignedIn,
        false,
    )
}

fn get(path: &str) -> http::request::Builder {
    crate::desk::get(path).method("POST").header("content-type", "application/grpc")
}

/// The code of the answer (0 where it is one) and what it says.
async fn ask(stack: &Stack<RoutesEndpoint>, request: http::request::Builder) -> (Code, String) {
    let response = stack.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    if let Some(status) = Status::from_header_map(response.headers()) {
        let reason = status.get_error_details().error_info().map(|info| info.reason.clone());
        return (status.code(), reason.unwrap_or_default());
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (Code::Ok, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_typed_principal_is_believed_in_memory_and_checked_against_the_policy() {
    let guards = bench(1).guards;
    let inner = stack::inner(routes(), policies(&guards), guards);
    let ada = Principal::user(User { uid: "ada".into(), ..User::default() });
    assert_eq!(ask(&inner, get("/t.R/Members").extension(ada)).await, (Code::Ok, "Some(\"ada\")".into()));
    assert_eq!(ask(&inner, get("/t.R/Members").extension(Principal::anonymous())).await.0, Code::Unauthenticated);
}

#[tokio::test]
async fn a_service_port_verifies_the_token_itself() {
    let guards = bench(10).guards;
    let port = stack::listener(routes(), policies(&guards), guards);
    let known = get("/t.R/Members").header("authorization", credential("gateway"));
    assert_eq!(ask(&port, known).await, (Code::Ok, "Some(\"service:gateway\")".into()));
    assert_eq!(ask(&port, get("/t.R/Members").extension(Principal::system())).await.0, Code::Unauthenticated);
}

#[tokio::test]
async fn a_method_without_a_policy_does_not_exist() {
    let guards = bench(10).guards;
    let inner = stack::inner(routes(), policies(&guards), guards);
    let forgotten = ask(&inner, get("/t.R/Forgotten").extension(Principal::system())).await;
    assert_eq!(forgotten, (Code::Unimplemented, "METHOD_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_call_in_memory_is_not_counted_again() {
    let bench = bench(1);
    let inner = stack::inner(routes(), policies(&bench.guards), bench.guards.clone());
    ask(&inner, get("/t.R/Open").extension(Principal::anonymous())).await;
    assert_eq!(bench.count("/t.R/Open", 200), 0);
}

#[tokio::test]
async fn a_handler_outside_every_stack_finds_no_caller() {
    let response = routes().oneshot(get("/t.R/Open").body(Body::empty()).unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"an internal error occurred");
}

#[tokio::test]
async fn what_is_no_grpc_is_told_what_is_served() {
    let guards = bench(10).guards;
    let port = stack::listener(routes(), policies(&guards), guards);
    for kind in ["application/json", "application/grpc-web+proto", "application/connect+json", ""] {
        let request = crate::desk::get("/t.R/Open").method("POST").header("content-type", kind);
        let response = port.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let accept = response.headers()["accept"].to_str().unwrap();
        assert_eq!((response.status().as_u16(), accept), (415, "application/grpc, application/grpc+proto"));
    }
}
