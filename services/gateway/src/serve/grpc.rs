//! Passes gRPC calls on, their messages undecoded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use http::{Request, Response};
use mainstay_fault::{Fault, Reason, reply};
use mainstay_layers::{Body, Context, Messages, arriving, with_reason};
use mainstay_runtime::RawCodec;
use tonic::Status;
use tonic::codec::CompressionEncoding;

use super::endpoint::Edge;
use super::read_mask::ReadMask;
use crate::snapshot::{Method, Snapshot};

/// A call whose method is known.
#[derive(Debug)]
pub struct GrpcCall {
    pub snapshot: Arc<Snapshot>,
    pub method: Arc<Method>,
}

/// Passes a call on and its answer back.
pub async fn serve(
    edge: &Edge,
    call: GrpcCall,
    request: Request<Body>,
    context: Context,
) -> Result<Response<Body>, Fault> {
    if call.method.client_streaming {
        return Err(Fault::new(Reason::Unimplemented).message("client streams are not supported yet"));
    }
    let request = arriving(request, Messages::One);
    let mut server = server(edge, &request);
    // Whether the codec came as far as a message: what it refuses itself never gets to the method.
    let asked = AtomicBool::new(false);
    let response = if call.method.server_streaming {
        let open = |request: tonic::Request<Bytes>| async {
            asked.store(true, Ordering::Relaxed);
            reply(stream(edge, &call, context, request.into_inner()).await)
        };
        server.server_streaming(Once(Some(open)), request).await
    } else {
        let mask = ReadMask::of_grpc(&call.snapshot, &call.method, request.headers())?;
        let answer = |request: tonic::Request<Bytes>| async {
            asked.store(true, Ordering::Relaxed);
            reply(unary(edge, &call, mask, context, request.into_inner()).await)
        };
        server.unary(Once(Some(answer)), request).await
    };
    if asked.load(Ordering::Relaxed) { Ok(response) } else { with_reason(response) }
}

/// The codec with its limits. Answers are compressed for callers who compress what they ask: who merely can read gzip is
/// better served by an answer that costs nothing to make.
fn server(edge: &Edge, request: &Request<Body>) -> tonic::server::Grpc<RawCodec> {
    let server = tonic::server::Grpc::new(RawCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(edge.config.max_request_bytes)
        .max_encoding_message_size(usize::MAX);
    match request.headers().get("grpc-encoding") {
        Some(encoding) if encoding == "gzip" => server.send_compressed(CompressionEncoding::Gzip),
        _ => server,
    }
}

async fn unary(
    edge: &Edge,
    call: &GrpcCall,
    mask: Option<ReadMask>,
    context: Context,
    message: Bytes,
) -> Result<Bytes, Fault> {
    let method = &call.method;
    let mut outgoing = call.snapshot.call(method, context, message);
    let mask = mask.filter(|mask| !mask.hand_on(&mut outgoing));
    let answer = edge.channel(method.backend).call(outgoing).await?.unary()?;
    edge.known.caught_up(&method.path, &answer).await;
    let Some(mask) = mask else { return Ok(answer) };
    let mut pruned = Vec::with_capacity(answer.len());
    call.snapshot.plans.prune(method.output, &answer, &mask.selection, &mut pruned).map_err(Fault::internal)?;
    Ok(Bytes::from(pruned))
}

async fn stream(
    edge: &Edge,
    call: &GrpcCall,
    context: Context,
    message: Bytes,
) -> Result<BoxStream<'static, Result<Bytes, Status>>, Fault> {
    let outgoing = call.snapshot.call(&call.method, context, message).streaming();
    let answers = edge.channel(call.method.backend).call(outgoing).await?.stream();
    Ok(answers.map(|answer| answer.map_err(Status::from)).boxed())
}

/// A service that is called once, which is all that one request does.
struct Once<F>(Option<F>);

impl<F, Answer, T> tower::Service<tonic::Request<Bytes>> for Once<F>
where
    F: FnOnce(tonic::Request<Bytes>) -> Answer,
    Answer: Future<Output = Result<tonic::Response<T>, Status>>,
{
    type Response = tonic::Response<T>;
    type Error = Status;
    type Future = futures_util::future::Either<Answer, std::future::Ready<Result<tonic::Response<T>, Status>>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Status>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        match self.0.take() {
            Some(answer) => futures_util::future::Either::Left(answer(request)),
            None => {
                let twice = Fault::internal("a request was answered twice");
                futures_util::future::Either::Right(std::future::ready(Err(twice.into())))
            }
        }
    }
}
