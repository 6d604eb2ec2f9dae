//! The inside of the data service's own listener, for a gateway (or anybody) in another process.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use mainstay_fault::{Fault, reply};
use mainstay_layers::{
    Access, Body, Context, Endpoint, Exchange, Messages, Resolved, RoutesEndpoint, framed, grpc_only,
};
use mainstay_runtime::RawCodec;
use mainstay_runtime::channel::{CONTRACT_REVISION, Call, FIELD_MASK};
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
    /// A method of a resource, and the revision of the contract that its name is from.
    Resource(Arc<str>, Option<i64>),
    /// A method of the platform.
    Platform(Messages),
}

impl Endpoint for DataEndpoint {
    type Target = Target;

    /// Whoever it is may come as far as a resource's rules.
    fn resolve(&self, parts: &Parts) -> Result<Resolved<Target>, Fault> {
        let path = parts.uri.path();
        let contract = parts.headers.get(CONTRACT_REVISION).and_then(|revision| revision.to_str().ok()?.parse().ok());
        let route = match self.resources.find(path, contract) {
            Finding::Here(_) => Some(self.metrics.route(path)),
            // Names that may not exist are not counted one by one.
            Finding::Perhaps => Some(self.metrics.unresolved().clone()),
            Finding::Nowhere => None,
        };
        if let Some(route) = route {
            grpc_only(&parts.headers)?;
            let target = Target::Resource(Arc::from(path), contract);
            return Ok(Resolved { target, access: Access::Anyone, streams: false, route });
        }
        let Resolved { target, access, streams, route } = self.platform.resolve(parts)?;
        Ok(Resolved { target: Target::Platform(target), access, streams, route })
    }

    async fn handle(&self, exchange: Exchange<Target>) -> Result<http::Response<Body>, Fault> {
        let Exchange { request, context, target } = exchange;
        match target {
            Target::Platform(target) => self.platform.handle(Exchange { request, context, target }).await,
            Target::Resource(path, contract) => {
                let method = Method { resources: Arc::clone(&self.resources), context, path, contract };
                let mut grpc = Grpc::new(RawCodec)
                    .accept_compressed(CompressionEncoding::Gzip)
                    .send_compressed(CompressionEncoding::Gzip)
                    .max_decoding_message_size(MAX_REQUEST_BYTES);
                framed(request, Messages::One, async |request| grpc.unary(method, request).await).await
            }
        }
    }
}

/// One call, as tonic wants it.
struct Method {
    resources: Arc<Resources>,
    context: Context,
    path: Arc<str>,
    contract: Option<i64>,
}

impl UnaryService<Bytes> for Method {
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<tonic::Response<Bytes>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        let mut call = Call::of(self.context.clone(), Arc::clone(&self.path), message);
        call.contract = self.contract;
        for mask in metadata.as_ref().get_all(FIELD_MASK) {
            call.metadata.append(FIELD_MASK, mask.clone());
        }
        let resources = Arc::clone(&self.resources);
        Box::pin(async move { reply(resources.call(&call).await) })
    }
}
