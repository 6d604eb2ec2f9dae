//! `grpc.reflection.v1` and `v1alpha` over descriptors that may be swapped while streams are open.

mod files;
mod index;
mod limited;
mod options;
mod places;

pub use files::Files;

use crate::Shutdown;
use crate::policies::{Methods, STANDARD};
use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http::{Request as HttpRequest, Response as HttpResponse, Uri};
use index::Index;
use mainstay_identity::{Kind, Principal};
use mainstay_layers::{Body, explain};
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tonic::server::NamedService;
use tonic::{Request, Response, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_server::{ServerReflection, ServerReflectionServer};
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

/// The names of the two versions of the service.
pub const SERVICES: [&str; 2] = [SERVICE_V1, SERVICE_V1ALPHA];

const SERVICE_V1: &str = "grpc.reflection.v1.ServerReflection";
const SERVICE_V1ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";
const METHOD_V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// What clients may ask about the services of this port. Cheap to clone; all clones are one.
///
/// Where it is said which methods are open, callers who are nobody see those alone, and what is in their messages, without the
/// rules that guard them: what there is to attack is not told to everybody.
#[derive(Debug, Clone)]
pub struct Reflection {
    live: Arc<ArcSwap<View>>,
    shutdown: Shutdown,
}

/// The files as they are shown.
#[derive(Debug)]
struct View {
    whole: Arc<Index>,
    /// Nothing where everybody sees all of them.
    open: Option<Open>,
}

/// What nobody sees.
#[derive(Debug)]
struct Open {
    methods: Methods,
    /// Made when it is asked for.
    index: OnceLock<Index>,
}

impl View {
    fn new(whole: Arc<Index>, open: Option<Methods>) -> View {
        View { whole, open: open.map(|methods| Open { methods, index: OnceLock::new() }) }
    }

    fn to(&self, is_nobody: bool) -> &Index {
        match self.open.as_ref().filter(|_| is_nobody) {
            None => &self.whole,
            Some(open) => open.index.get_or_init(|| {
                let shows = |path: &str| open.methods.contains(path) || is_standard(path);
                self.whole.limited(&shows).unwrap_or_else(|error| {
                    tracing::error!(
                        error = &error as &(dyn std::error::Error + 'static),
                        "reflection shows nobody anything"
                    );
                    Index::default()
                })
            }),
        }
    }
}

fn is_standard(path: &str) -> bool {
    STANDARD.iter().any(|(standard, ..)| *standard == path)
}

impl Reflection {
    /// Describes the services of these files, health and reflection itself. Where `open` is given, callers who are nobody see
    /// those methods only. Streams end when the shutdown begins.
    pub fn new(files: Files, open: Option<Methods>, shutdown: Shutdown) -> Reflection {
        let whole = Arc::new(Index::new(with_standard_services(files)));
        Reflection { live: Arc::new(ArcSwap::from_pointee(View::new(whole, open))), shutdown }
    }

    /// Describes other files from now on; open streams see them with their next request.
    pub fn swap(&self, files: Files, open: Option<Methods>) {
        self.live.store(Arc::new(View::new(Arc::new(Index::new(with_standard_services(files))), open)));
    }

    /// Says anew which methods are open.
    pub fn admit(&self, open: Option<Methods>) {
        self.live.store(Arc::new(View::new(Arc::clone(&self.live.load().whole), open)));
    }

    /// Returns version 1 for tonic's routes.
    pub fn v1(&self) -> ServerReflectionServer<Rpc> {
        ServerReflectionServer::new(Rpc(self.clone()))
    }

    /// Returns version 1 alpha, which older clients ask for: the same messages under another name.
    pub fn v1alpha(&self) -> V1Alpha {
        V1Alpha(self.v1())
    }
}

/// Adds the descriptors of what every port serves, unless they are there.
fn with_standard_services(mut files: Files) -> Files {
    let standard: [(&str, &'static [u8]); 3] = [
        (crate::health::SERVICE, tonic_health::pb::FILE_DESCRIPTOR_SET),
        (SERVICE_V1, tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET),
        (SERVICE_V1ALPHA, tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET),
    ];
    for (service, set) in standard {
        if !files.declares_service(service)
            && let Err(error) = files.add(Bytes::from_static(set))
        {
            // What is built in was read by whoever built it.
            tracing::error!(
                error = &error as &(dyn std::error::Error + 'static),
                service,
                "reflection does not show it"
            );
        }
    }
    files
}

/// The gRPC face of [`Reflection`].
#[derive(Debug)]
pub struct Rpc(Reflection);

#[tonic::async_trait]
impl ServerReflection for Rpc {
    type ServerReflectionInfoStream = BoxStream<'static, Result<ServerReflectionResponse, Status>>;

    async fn server_reflection_info(
        &self,
        request: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        let live = self.0.live.clone();
        // Whoever came without a stack in front is nobody.
        let principal = request.extensions().get::<Principal>();
        let is_nobody = principal.is_none_or(|principal| principal.kind() == Kind::Anonymous);
        let answers = request.into_inner().map(move |question| match question {
            Ok(question) => Ok(live.load().to(is_nobody).answer(question)),
            Err(status) => Err(explain(&status).map_or(status, Status::from)),
        });
        Ok(Response::new(self.0.shutdown.end_stream(answers).boxed()))
    }
}

/// Version 1 alpha: version 1 under another path.
#[derive(Debug, Clone)]
pub struct V1Alpha(ServerReflectionServer<Rpc>);

impl NamedService for V1Alpha {
    const NAME: &'static str = SERVICE_V1ALPHA;
}

impl tower::Service<HttpRequest<Body>> for V1Alpha {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = <ServerReflectionServer<Rpc> as tower::Service<HttpRequest<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: HttpRequest<Body>) -> Self::Future {
        // Both versions have this one method.
        if request.uri().path().ends_with("/ServerReflectionInfo") {
            *request.uri_mut() = Uri::from_static(METHOD_V1);
        }
        self.0.call(request)
    }
}
