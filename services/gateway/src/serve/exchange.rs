//! The one way from a request to an answer, whatever protocol it is in.

use http::header::USER_AGENT;
use http::{Request, Response};
use mainstay_fault::Fault;
use mainstay_layers::{Body, Context, Place};
use mainstay_runtime::channel::{Call, FIELD_MASK, Input, Reply};

use super::edge::Edge;
use super::until::until;
use crate::protocol::{Found, Spoken, Unread};
use crate::transcode::Defective;

/// Reads a request, calls its method, and writes the answer.
pub async fn exchange<P: Spoken>(
    edge: &Edge,
    (found, told): (Found, P::Told),
    request: Request<Body>,
    (context, place): (Context, Option<Place>),
) -> Result<Response<Body>, Fault> {
    let agent = found.method().backend.wants_agent().then(|| request.headers().get(USER_AGENT).cloned()).flatten();
    let (asked, form) = match P::decode(&edge.config, &found, told, request).await {
        Ok(read) => read,
        Err(Unread::Sent(fault)) => return Err(fault),
        // Boxed, as the rare way: a future is as large as the largest thing in it.
        Err(Unread::Says(defective)) => return Err(Box::pin(raised(&found, context, defective)).await),
    };
    let end = context.end();
    let mut call = call(&found, context, asked.input);
    call.agent = agent;
    if let Some(fields) = asked.fields {
        call.metadata.insert(FIELD_MASK, fields);
    }
    let method = found.method();
    let reply = match method.backend.channel.call(call).await.map_err(|fault| P::failed(&form, fault))? {
        Reply::Message(answer) => {
            edge.known.caught_up(&method.path, &answer).await;
            Reply::Message(answer)
        }
        Reply::Stream(messages) => {
            place.into_iter().for_each(Place::leave);
            Reply::Stream(until(end, messages))
        }
        body @ Reply::Http(_) => body,
    };
    P::encode(&edge.config, &found, form, reply).await
}

/// What is wrong with a request is told only to who may make it (AIP-211). Who may is decided where the call goes: it takes
/// along what could be read and what is wrong, which is raised there after that decision.
async fn raised(found: &Found, context: Context, defective: Defective) -> Fault {
    let Defective { fault, legible } = defective;
    let mut call = call(found, context, Input::Message(legible));
    call.defects = Some(fault.again());
    match found.method().backend.channel.call(call).await {
        Err(raised) => raised,
        Ok(_) => fault,
    }
}

fn call(found: &Found, context: Context, input: Input) -> Call {
    Call::of(context, found.snapshot.target(found.method()), input)
}
