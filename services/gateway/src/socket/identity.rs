//! Who calls over a socket, for as long as that is so.
//!
//! A credential is looked at by a request through the layers, as every call's is. Its answer goes on until what was shown is worth
//! nothing any more: by its time, or because its session was revoked or its rights withdrawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::Code;

use super::limits::IDENTIFY_WAIT;
use super::origin::{Origin, refused};
use super::{Known, PATH};

/// How long after what stood for a key was over the key is asked for again, and again where there is no answer.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(2)];

/// Why it is over; nothing as long as it is not.
pub type Over = watch::Receiver<Option<Arc<Fault>>>;

/// Who calls.
pub struct Identity {
    /// What is shown with each call.
    pub token: HeaderValue,
    pub over: Over,
}

impl Identity {
    /// Finds out whose a credential is. Fails as every call with it would. What is left of its time is given where it has one.
    pub async fn of(
        origin: &Origin,
        token: HeaderValue,
        tasks: &mut JoinSet<()>,
    ) -> Result<(Identity, Option<Duration>), Fault> {
        let (body, expires) = ask(origin, &token).await?;
        // Those that are over would be kept.
        while tasks.try_join_next().is_some() {}
        let (sender, over) = watch::channel(None);
        tasks.spawn(follow(origin.clone(), token.clone(), body, sender));
        let expires_in = expires.map(|at| at.saturating_duration_since(Instant::now()));
        Ok((Identity { token, over }, expires_in))
    }
}

async fn ask(origin: &Origin, token: &HeaderValue) -> Result<(Body, Option<Instant>), Fault> {
    let answer = origin.send(PATH, Some(token), HeaderMap::new(), Body::empty());
    let response = timeout(IDENTIFY_WAIT, answer).await.map_err(|_| Fault::new(Reason::Unavailable))??;
    match refused(response.headers()) {
        Some(fault) => Err(fault),
        None => {
            let expires = response.extensions().get::<Known>().and_then(|known| known.expires);
            Ok((response.into_body(), expires))
        }
    }
}

/// Follows it until it is over, or nobody asks any more.
async fn follow(origin: Origin, token: HeaderValue, mut body: Body, over: watch::Sender<Option<Arc<Fault>>>) {
    loop {
        let fault = tokio::select! {
            fault = end(&mut body) => fault,
            () = over.closed() => return,
        };
        // What stands for a key is over before the key is.
        if fault.reason() == Some(Reason::TokenExpired)
            && let Some(next) = again(&origin, &token).await
        {
            body = next;
            continue;
        }
        over.send_replace(Some(Arc::new(fault)));
        return;
    }
}

/// Asks once more whose a credential is; nothing where it is nobody's any more, or that cannot be found out for a while.
async fn again(origin: &Origin, token: &HeaderValue) -> Option<Body> {
    for pause in PAUSES {
        sleep(pause).await;
        match ask(origin, token).await {
            Ok((body, _)) => return Some(body),
            Err(fault) if is_of_the_credential(&fault) => return None,
            Err(_) => {}
        }
    }
    None
}

/// Whether a refusal is the credential's, and no trouble that passes.
pub fn is_of_the_credential(fault: &Fault) -> bool {
    matches!(fault.code(), Code::Unauthenticated | Code::PermissionDenied)
}

/// Waits for the end of what follows a credential.
async fn end(body: &mut Body) -> Fault {
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Some(fault) = frame.trailers_ref().and_then(refused) {
                    return fault;
                }
            }
            Err(status) => return Fault::from_status(status),
        }
    }
    Fault::new(Reason::ShuttingDown)
}

/// Waits until it is over. Whoever is nobody is so for ever.
pub async fn ended(over: Option<&mut Over>) -> Arc<Fault> {
    let Some(over) = over else { return std::future::pending().await };
    match over.wait_for(Option::is_some).await.map(|fault| fault.clone()) {
        Ok(Some(fault)) => fault,
        _ => Arc::new(Fault::new(Reason::ShuttingDown)),
    }
}
