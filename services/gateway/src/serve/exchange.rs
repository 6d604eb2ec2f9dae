//! The one way from a request to an answer, whatever protocol it is in.

use http::header::USER_AGENT;
use http::{Request, Response};
use mainstay_fault::Fault;
use mainstay_layers::{Body, Context, Place};
use mainstay_runtime::channel::{Call, FIELD_MASK, Input, Reply};

use super::edge::Edge;
use super::until::until;
use crate::browser::Cookies;
use crate::limits::Tally;
use crate::protocol::{Found, Spoken, Unread};
use crate::transcode::Defective;

/// Reads a request, calls its method, and writes the answer. A call of a method that has limits is counted before anything of its body
/// is read, so that who calls too often costs little.
pub async fn exchange<P: Spoken>(
    edge: &Edge,
    read: (Found, P::Told),
    request: Request<Body>,
    (context, place): (Context, Option<Place>),
) -> Result<Response<Body>, Fault> {
    let Some(limits) = &read.0.method().limits else {
        return answer::<P>(edge, read, request, (context, place, None)).await;
    };
    let mut tally = Tally::of(limits, &context.principal, context.peer);
    let answered = match tally.count(1).await {
        Ok(()) => answer::<P>(edge, read, request, (context, place, Some(&mut tally))).await,
        Err(refused) => Err(refused),
    };
    tally.tell(answered)
}

async fn answer<P: Spoken>(
    edge: &Edge,
    (found, told): (Found, P::Told),
    request: Request<Body>,
    (context, place, tally): (Context, Option<Place>, Option<&mut Tally>),
) -> Result<Response<Body>, Fault> {
    let agent = found.method().backend.wants_agent().then(|| request.headers().get(USER_AGENT).cloned()).flatten();
    let (asked, form) = match P::decode(&edge.config, &found, told, request).await {
        Ok(read) => read,
        Err(Unread::Sent(fault)) => return Err(fault),
        // Boxed, as the rare way: a future is as large as the largest thing in it.
        Err(Unread::Says(defective)) => return Err(Box::pin(raised(&found, context, (defective, tally))).await),
    };
    let end = context.end();
    let (mut context, mut input) = (context, asked.input);
    let method = found.method();
    if let Some(tally) = tally {
        let cost = tally.cost(&input)?;
        tally.count(cost).await?;
    }
    let browser = context.browser.take();
    if let (Some(browser), Input::Message(message)) = (&browser, &mut input) {
        *message = method.session.fill(browser, std::mem::take(message));
    }
    let mut call = call(&found, context, input);
    call.agent = agent;
    if let Some(fields) = asked.fields {
        call.metadata.insert(FIELD_MASK, fields);
    }
    let mut cookies = Cookies::default();
    let reply = match method.backend.channel.call(call).await.map_err(|fault| P::failed(&form, fault))? {
        Reply::Message(answer) => {
            edge.known.caught_up(&method.path, &answer).await;
            match &browser {
                None => Reply::Message(answer),
                Some(browser) => {
                    let (rest, kept) = method.session.keep(browser, answer)?;
                    cookies = kept;
                    Reply::Message(rest)
                }
            }
        }
        Reply::Stream(messages) => {
            place.into_iter().for_each(Place::leave);
            Reply::Stream(until(end, messages))
        }
        body @ Reply::Http(_) => body,
    };
    let mut answer = P::encode(&edge.config, &found, form, reply).await?;
    cookies.put(answer.headers_mut());
    Ok(answer)
}

/// What is wrong with a request is told only to who may make it (AIP-211). Who may is decided where the call goes: it takes
/// along what could be read and what is wrong, which is raised there after that decision.
async fn raised(found: &Found, context: Context, (defective, tally): (Defective, Option<&mut Tally>)) -> Fault {
    if let Some(tally) = tally {
        // Whoever decides looks at all that could be read.
        let cost = tally.cost(&Input::Message(defective.legible.clone()));
        let counted = match cost {
            Ok(cost) => tally.count(cost).await,
            Err(unread) => Err(unread),
        };
        if let Err(refused) = counted {
            return refused;
        }
    }
    // Of a method of the application's own service it was decided before the request was read.
    if found.method().backend.is_upstream {
        return defective.fault;
    }
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
