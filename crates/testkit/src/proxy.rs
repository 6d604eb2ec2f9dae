//! A way to a server on which a test can let everything get lost, and that closes nothing: what a network that fails looks
//! like from both of its ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Forwards connections to a server. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    ways: Arc<Ways>,
    accepting: AbortHandle,
}

/// Which connections are forwarded. Each has a number.
#[derive(Debug, Default)]
struct Ways {
    next: AtomicU64,
    /// On connections before this one everything gets lost, for ever.
    lost_before: AtomicU64,
    /// And on new ones.
    all_lost: AtomicBool,
}

impl Proxy {
    /// Listens on a port of its own and forwards to `target`.
    pub async fn to(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port can be had");
        let address = listener.local_addr().expect("a bound port has an address");
        let ways = Arc::new(Ways::default());
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&ways))).abort_handle();
        Proxy { address, ways, accepting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets everything on the connections that there are get lost. New ones work.
    pub fn lose_connections(&self) {
        self.ways.lost_before.store(self.ways.next.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Lets everything get lost, on new connections as well.
    pub fn lose_everything(&self) {
        self.ways.all_lost.store(true, Ordering::SeqCst);
        self.lose_connections();
    }

    /// Forwards new connections again.
    pub fn heal(&self) {
        self.lose_connections();
        self.ways.all_lost.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Ways {
    fn is_lost(&self, number: u64) -> bool {
        number < self.lost_before.load(Ordering::SeqCst) || self.all_lost.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, ways: Arc<Ways>) {
    // They are kept open as long as the proxy is.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let number = ways.next.fetch_add(1, Ordering::SeqCst);
        let ways = Arc::clone(&ways);
        connections.spawn(async move {
            if ways.is_lost(number) {
                std::future::pending::<()>().await;
            }
            let Ok(server) = TcpStream::connect(target).await else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = forward(from_client, to_server, &ways, number) => {}
                () = forward(from_server, to_client, &ways, number) => {}
            }
        });
    }
}

async fn forward(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, ways: &Ways, number: u64) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await;
        // Also the news that one end has closed gets lost.
        if ways.is_lost(number) {
            std::future::pending::<()>().await;
        }
        match read {
            Ok(count) if count > 0 && to.write_all(&buffer[..count]).await.is_ok() => {}
            _ => return,
        }
    }
}
