//! The inside of the data service's own listener, for a gateway (or anybody) in another process.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use mainstay_fault::{Fault, reply};
use mainstay_layers::{
    Access, Body, Context, Cookies, Effect, Endpoint, Exchange, Held, Messages, Native, Resolved, RoutesEndpoint,
    SMALL_ANSWER_BYTES, defects, framed,
};
use mainstay_runtime::RawCodec;
use mainstay_runtime::channel::{self, CONTRACT_REVISION, Call, FIELD_MASK};
use mainstay_telemetry::Metrics;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, UnaryService};

use crate::service::{Finding, Resources};

/// The largest request message.
pub const MAX_REQUEST_BYTES: usize = 64 << 20;

/// Serves the resources' methods beside the platform's own.
pub struct DataEndpoint {
    pub resources: Arc<Resources>,
    pub platform: RoutesEndpoint,
    pub metrics: Metrics,
}

/// What a path resolves to.
pub enum Target {
    /// A method of a resource, and what was found of it.
    Resource(channel::Target, Finding),
    /// A method of the platform.
    Platform(<RoutesEndpoint as Endpoint>::Target),
}

impl Endpoint for DataEndpoint {
    type Protocol = Native;
    type Target = Target;

    /// Whoever it is may come as far as a resource's rules.
    fn resolve(&self, parts: &Parts, protocol: Native) -> Result<Resolved<Target>, Fault> {
        let path = parts.uri.path();
        let contract = parts.headers.get(CONTRACT_REVISION).and_then(|revision| revision.to_str().ok()?.parse().ok());
        let (finding, route) = match self.resources.find(path, contract) {
            Finding::Nowhere => {
                let Resolved { target, access, effect, takes, streams, route, .. } =
                    self.platform.resolve(parts, protocol)?;
                return Ok(Resolved {
                    target: Target::Platform(target),
                    access,
                    effect,
                    takes,
                    cookies: Cookies::Ignored,
                    streams,
                    route,
                });
            }
            // Names that may not exist are not counted one by one.
            Finding::Perhaps => (Finding::Perhaps, self.metrics.unresolved().clone()),
            here @ Finding::Here(_) => (here, self.metrics.route(path)),
        };
        protocol.only_grpc()?;
        let named = channel::Target { contract, ..channel::Target::new(path) };
        // Whether it changes something is decided where it is known for sure which method it is, as rules are.
        let (access, effect, takes) = (Access::Anyone, Effect::Reads, Messages::One);
        let target = Target::Resource(named, finding);
        Ok(Resolved { target, access, effect, takes, cookies: Cookies::Ignored, streams: false, route })
    }

    async fn handle(&self, exchange: Exchange<Target>) -> Result<http::Response<Body>, Fault> {
        let Exchange { request, context, target, place } = exchange;
        match target {
            Target::Platform(target) => self.platform.handle(Exchange { request, context, target, place }).await,
            Target::Resource(named, finding) => {
                let resolved = Some((named, finding, context));
                let method = Method { resources: Arc::clone(&self.resources), resolved };
                let mut grpc = Grpc::new(RawCodec)
                    .accept_compressed(CompressionEncoding::Gzip)
                    .send_compressed(CompressionEncoding::Gzip)
                    .max_decoding_message_size(MAX_REQUEST_BYTES);
                framed(request, Messages::One, async |request| grpc.unary(method, request).await).await
            }
        }
    }
}

/// Says how much a large answer holds, which is put into its frame as it is sent.
fn held(mut answer: tonic::Response<Bytes>) -> tonic::Response<Bytes> {
    let size = answer.get_ref().len();
    if size > SMALL_ANSWER_BYTES {
        answer.extensions_mut().insert(Held(size));
    }
    answer
}

/// One call, as tonic wants it.
struct Method {
    resources: Arc<Resources>,
    /// Taken when it is called, which is once.
    resolved: Option<(channel::Target, Finding, Context)>,
}

impl UnaryService<Bytes> for Method {
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<tonic::Response<Bytes>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        let Some((target, finding, context)) = self.resolved.take() else {
            return Box::pin(async { reply(Err::<Bytes, _>(Fault::internal("a request was answered twice"))) });
        };
        let mut call = Call::of(context, target, message);
        call.defects = defects(metadata.as_ref());
        for mask in metadata.as_ref().get_all(FIELD_MASK) {
            call.metadata.append(FIELD_MASK, mask.clone());
        }
        let resources = Arc::clone(&self.resources);
        Box::pin(async move { reply(resources.call_found(finding, call).await).map(held) })
    }
}
