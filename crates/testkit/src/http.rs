//! A small JSON client over HTTP/1.1.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// No answer came: the connection was refused or broke.
pub type NoAnswer = Box<dyn std::error::Error + Send + Sync>;

/// Whether nobody was there to be asked, so that another server can be.
pub fn found_nobody(error: &NoAnswer) -> bool {
    error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// A client of one server. Clones share connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

impl Http {
    /// A client of the server at `http://host:port`, not signed in.
    pub fn new(base: &str) -> Http {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Http { client, base: base.to_owned(), token: None, headers: Vec::new() }
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Http {
        Http { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client with one more header on each request.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Http {
        let mut with = self.clone();
        with.headers.push((name.to_owned(), value.to_owned()));
        with
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Sends a request.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.send_bytes(method, path, body).await
    }

    /// Sends a request whose body may be anything.
    pub async fn send_bytes(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer, NoAnswer> {
        let Opened { status, headers, body, .. } = self.open(method, path, body).await?;
        Ok(Answer { status, headers, body: body.collect().await?.to_bytes() })
    }

    /// Sends a request and leaves the answer's body to come.
    pub async fn open(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Opened, NoAnswer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() && !self.headers.iter().any(|(name, _)| name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = self.client.request(request.body(Full::new(body.unwrap_or_default()))?).await?;
        let (head, body) = response.into_parts();
        Ok(Opened { status: head.status.as_u16(), headers: head.headers, body, unread: String::new() })
    }

    /// Gets, where the server may be away.
    pub async fn try_get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.send(Method::GET, path, None).await
    }

    /// Gets.
    pub async fn get(&self, path: &str) -> Answer {
        self.must(Method::GET, path, None).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.must(Method::POST, path, Some(&body)).await
    }

    /// Patches with JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.must(Method::PATCH, path, Some(&body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.must(Method::DELETE, path, None).await
    }

    async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let sent = self.send(method.clone(), path, body).await;
        sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

/// What a server begins to answer. Dropping it closes the connection.
#[derive(Debug)]
pub struct Opened {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
    /// The beginning of what was said and not asked for yet.
    unread: String,
}

impl Opened {
    /// The next piece of the body, as text; nothing at its end.
    pub async fn piece(&mut self) -> Option<String> {
        let frame = self.body.frame().await?.expect("the body goes on");
        frame.into_data().ok().map(|data| String::from_utf8_lossy(&data).into_owned())
    }

    /// Reads to the end of the body, and returns all that came.
    pub async fn rest(mut self) -> String {
        let mut all = std::mem::take(&mut self.unread);
        while let Some(piece) = self.piece().await {
            all += &piece;
        }
        all
    }

    /// Reads on until the body has said a whole line that begins with this, and returns it. What stands before it is passed
    /// over.
    pub async fn line(&mut self, beginning: &str) -> String {
        loop {
            while let Some(end) = self.unread.find('\n') {
                let line: String = self.unread.drain(..=end).collect();
                if line.starts_with(beginning) {
                    return line.trim_end().to_owned();
                }
            }
            let piece = self.piece().await.unwrap_or_else(|| panic!("the body ended without {beginning:?}"));
            self.unread += &piece;
        }
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text()))
    }

    /// The body of a success. Panics with the error otherwise.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The status word (`PERMISSION_DENIED`) of an error, or nothing.
    pub fn word(&self) -> String {
        serde_json::from_slice::<Value>(&self.body)
            .ok()
            .and_then(|body| body["error"]["status"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Checks that it is this refusal: HTTP status and status word. Returns the error object.
    pub fn refusal(&self, status: u16, word: &str) -> Value {
        assert_eq!((self.status, self.word().as_str()), (status, word), "{}", self.text());
        self.json()["error"].clone()
    }
}
