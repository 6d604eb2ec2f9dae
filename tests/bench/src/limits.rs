//! What the libraries can do with nothing behind them.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::{records, requests};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Answers every request with the bytes of a file, as JSON.
pub fn hyper(port: u16, body: &Path) -> Result<(), Failure> {
    let body = Bytes::from(std::fs::read(body)?);
    block_on(async move {
        let listener = TcpListener::bind(address(port)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let body = body.clone();
            tokio::spawn(async move {
                let service = service_fn(move |_: Request<Incoming>| {
                    let mut response = Response::new(Full::new(body.clone()));
                    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    std::future::ready(Ok::<_, Infallible>(response))
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

/// Answers every unary call with the message that it was sent.
pub fn tonic(port: u16) -> Result<(), Failure> {
    block_on(async move {
        tonic::transport::Server::builder().add_service(Echo).serve(address(port)).await?;
        Ok(())
    })
}

/// Reads one product by its key, so many times, from the store that Mainstay filled: a statement that stays prepared, in one
/// snapshot, every column looked at.
pub fn sqlite(data_dir: &Path, reads: u64) -> Result<(), Failure> {
    let link = rusqlite::Connection::open(data_dir.join("data.sqlite"))?;
    link.execute_batch("PRAGMA query_only = ON; BEGIN")?;
    let mut get = link.prepare("SELECT * FROM bench_v1_product WHERE _id = ?1")?;
    let columns = get.column_count();
    let ids: Vec<String> = (0..requests::RECORDS).map(records::id).collect();
    for id in ids.iter().cycle().take(usize::try_from(reads)?) {
        let mut rows = get.query([id])?;
        let row = rows.next()?.ok_or("a record is missing")?;
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column)?);
        }
    }
    Ok(())
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// A service whose every method is an echo.
#[derive(Clone)]
struct Echo;

impl tonic::server::NamedService for Echo {
    const NAME: &'static str = "bench.v1.ProductService";
}

impl tonic::codegen::Service<Request<tonic::body::Body>> for Echo {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = tonic::codegen::BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        Box::pin(async move {
            let method = EchoMethod;
            Ok(tonic::server::Grpc::new(Raw).unary(method, request).await)
        })
    }
}

struct EchoMethod;

impl tonic::server::UnaryService<Bytes> for EchoMethod {
    type Response = Bytes;
    type Future = std::future::Ready<Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        std::future::ready(Ok(tonic::Response::new(request.into_inner())))
    }
}

#[derive(Clone, Copy, Default)]
struct Raw;

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put(into, message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        use bytes::Buf as _;
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}
