//! What one client may cost.

use std::time::Duration;

/// Open connections per listener, unless configured.
pub const DEFAULT_MAX_CONNECTIONS: usize = 8192;

/// How long calls in flight may take to finish when the process ends, unless configured.
pub const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a client may take over the head of a request, from its first byte; and, on a new connection, until that comes.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an HTTP/1.1 connection is kept on which nothing is asked, unless configured. Longer than the 60 s that load
/// balancers usually keep theirs, so that it is they who close: a connection that is closed under a request in flight is a
/// lost request.
pub const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The longest time that can be configured for it.
pub const MAX_KEEP_ALIVE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a client may take over its TLS handshake.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a trusted proxy may take to say by the PROXY protocol whose connection it passes on.
pub const PROXY_HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may take nothing of an answer that is ready for it: of all that a connection carries, and over HTTP/2 of
/// each by itself.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(45);

/// What has to be taken of an answer over HTTP/2 in each second beyond that, in bytes.
pub const MIN_ANSWER_BYTES_PER_SECOND: u64 = 4 << 10;

/// How long an HTTP/2 connection is kept on which nothing is asked, unless configured. A client that calls now and then need not
/// connect each time; gRPC's clients connect again by themselves.
pub const DEFAULT_HTTP2_IDLE: Duration = Duration::from_secs(10 * 60);

/// Open connections of one peer, unless configured: a network of IPv6 (/64) is one. A quarter of all, so that one that takes all
/// it gets leaves room.
pub const DEFAULT_MAX_CONNECTIONS_PER_PEER: usize = DEFAULT_MAX_CONNECTIONS / 4;

/// Descriptors that connections leave for everything else: the stores' files and connections, the other services.
pub const RESERVED_DESCRIPTORS: usize = 512;

/// Frames of an HTTP/2 connection that ask for nothing and have to be read and answered all the same (PING, SETTINGS, PRIORITY,
/// empty DATA, unknown ones), at once and in each second beyond.
pub const QUIET_FRAMES: (u32, u32) = (10_000, 1_000);

/// Streams that the client of an HTTP/2 connection resets, at once and in each second beyond.
pub const RESETS: (u32, u32) = (20_000, 5_000);

/// For how long, and how much of, the rest of a small body is waited for that nobody reads, before its connection is closed.
pub const SMALL_REST_TIMEOUT: Duration = Duration::from_millis(50);

/// How much of a request is read and thrown away after it was answered early, so that its client sees the answer.
pub const LINGER_BYTES: usize = 64 << 20;

/// For how long, altogether. nginx waits up to 30 s for the same.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest head of a request: request line and headers together.
pub const MAX_HEAD_BYTES: u32 = 64 << 10;

/// Most headers of an HTTP/1.1 request: hyper's own limit. It is not set as ours, since a limit that was set costs room for as
/// many headers, made anew for each request (1,700 instructions).
pub const MAX_HEADERS: usize = 100;

/// Most requests that are open at a time on one HTTP/2 connection. Another service of ours sends all its calls over one;
/// the global limit bounds what is worked on.
pub const MAX_CONCURRENT_STREAMS: u32 = 256;

/// Streams of one HTTP/2 connection that speak another protocol at a time: each of them costs what a connection does.
pub const MAX_TUNNELS: usize = 8;

/// Streams that a client opened and reset before they were looked at; more end the connection (CVE-2023-44487).
pub const MAX_PENDING_RESETS: usize = 64;

/// Streams that we had to reset because of a client's errors; more end the connection (RUSTSEC-2024-0003).
pub const MAX_LOCAL_RESETS: usize = 256;

/// How often a silent HTTP/2 connection is asked whether it still lives.
pub const HTTP2_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long the client may take to answer that.
pub const HTTP2_KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP/2 windows: a request of ordinary size never waits for an update.
pub(super) const STREAM_WINDOW_BYTES: u32 = 1 << 20;
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 2 << 20;

/// What is buffered of one stream's answer before its client reads it.
pub(super) const MAX_SEND_BUFFER_BYTES: usize = 256 << 10;

/// How long accepting pauses after the system could not give us a connection.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
