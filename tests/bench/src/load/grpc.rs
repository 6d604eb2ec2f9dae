//! gRPC: raw bytes over HTTP/2, many calls at a time on each connection, `grpc-status` looked at.

use std::rc::Rc;
use std::time::Instant;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use super::{Failure, Shared, Work};

/// Makes one call and says what message came, in hexadecimal as plans have it.
pub async fn once(port: u16, method: &str, message: &str) -> Result<String, Failure> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (client, connection) = h2::client::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let request = head(port, method).body(())?;
    let (response, mut body) = client.ready().await?.send_request(request, false)?;
    body.send_data(frame(message)?, true)?;
    let (head, mut body) = response.await?.into_parts();
    let mut received = Vec::new();
    while let Some(data) = body.data().await {
        received.extend_from_slice(&data?);
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    connection.abort();
    match problem(&head.headers, &trailers, received.len()) {
        Some(problem) => Err(problem.into()),
        None => Ok(received.iter().skip(5).map(|byte| format!("{byte:02x}")).collect()),
    }
}

fn head(port: u16, method: &str) -> http::request::Builder {
    Request::post(format!("http://127.0.0.1:{port}{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

/// Keeps `streams` calls open on one connection until the run is over.
pub async fn worker(shared: Rc<Shared>, index: usize) -> Result<(), Failure> {
    let Work::Call { method, messages } = &shared.plan.work else { return Err("gRPC load wants calls".into()) };
    let frames: Rc<[Bytes]> = messages.iter().map(|message| frame(message)).collect::<Result<_, _>>()?;
    let mut request = head(shared.plan.port, method);
    for (name, value) in &shared.plan.headers {
        request = request.header(name.as_str(), value.as_str());
    }
    let request = Rc::new(request.body(())?);
    let stream = TcpStream::connect(("127.0.0.1", shared.plan.port)).await?;
    stream.set_nodelay(true)?;
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 24)
        .handshake(stream)
        .await?;
    tokio::task::spawn_local(async move {
        let _ = connection.await;
    });
    let calls: Vec<_> = (0..shared.plan.streams)
        .map(|stream| {
            let turn = (index * shared.plan.streams + stream) * 7919;
            let (shared, frames, request) = (Rc::clone(&shared), Rc::clone(&frames), Rc::clone(&request));
            tokio::task::spawn_local(calls(shared, client.clone(), frames, request, turn))
        })
        .collect();
    for call in calls {
        call.await??;
    }
    Ok(())
}

async fn calls(
    shared: Rc<Shared>,
    mut client: SendRequest<Bytes>,
    frames: Rc<[Bytes]>,
    request: Rc<Request<()>>,
    mut turn: usize,
) -> Result<(), Failure> {
    while shared.goes_on() {
        client = client.ready().await?;
        let asked = Instant::now();
        let (response, mut body) = client.send_request((*request).clone(), false)?;
        body.send_data(frames[turn % frames.len()].clone(), true)?;
        turn = turn.wrapping_add(1);
        let (head, mut body) = response.await?.into_parts();
        let mut received = 0;
        while let Some(data) = body.data().await {
            let data = data?;
            received += data.len();
            body.flow_control().release_capacity(data.len())?;
        }
        let trailers = body.trailers().await?.unwrap_or_default();
        shared.count(asked, problem(&head.headers, &trailers, received));
    }
    Ok(())
}

/// A call is good if its status is 0 and a whole message came.
fn problem(headers: &HeaderMap, trailers: &HeaderMap, received: usize) -> Option<String> {
    let status = trailers.get("grpc-status").or_else(|| headers.get("grpc-status"));
    let good = status.is_some_and(|status| status == "0") && received > 5;
    (!good).then(|| format!("{status:?} after {received} bytes: {:?}", trailers.get("grpc-message")))
}

/// A message in hexadecimal as a gRPC frame.
fn frame(hex: &str) -> Result<Bytes, Failure> {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(hex.len() / 2)?);
    for pair in hex.as_bytes().chunks(2) {
        frame.put_u8(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    }
    Ok(frame.freeze())
}
