//! What the gateway knows of one RPC.

use std::sync::Arc;

use mainstay_layers::{Access, Cookies, Effect};
use mainstay_telemetry::Route;
use mainstay_wire::MessageId;

use super::cursor::Cursor;
use super::kinds::Kinds;
use crate::backends::Backend;
use crate::browser::SessionFields;
use crate::limits::Applied;

/// One RPC.
#[derive(Debug)]
pub struct Method {
    /// `/shop.v1.ProductService/GetProduct`: the path of the gRPC call, and the name in metrics and logs.
    pub path: Arc<str>,
    /// Who answers it.
    pub backend: Arc<Backend>,
    /// Who may call it at all; nothing lets nobody in. It belongs to the resolved method, so no spelling of a path gets
    /// around it.
    pub access: Option<Access>,
    /// How often it may be called; nothing where nothing limits that. It belongs to the resolved method, as `access` does.
    pub limits: Option<Arc<Applied>>,
    /// Whether the data service decides by a resource's rules who may do what the call asks for.
    pub ruled: bool,
    /// Where its calls are counted.
    pub route: Arc<Route>,
    /// Whether a call may change something. What says that it does not may be asked by GET wherever a protocol has that.
    pub side_effects: bool,
    /// Whether a call may be made twice, because it changes nothing, or the same again.
    pub repeatable: bool,
    pub client_streaming: bool,
    pub server_streaming: bool,
    /// Where its stream can be taken up again.
    pub cursor: Option<Cursor>,
    /// What kinds of messages it has.
    pub kinds: Kinds,
    /// What its messages are to a session that a browser keeps.
    pub session: SessionFields,
    pub input: MessageId,
    pub output: MessageId,
    /// The number of the answer's field that is its etag.
    pub etag: Option<u32>,
}

impl Method {
    /// What a session that a browser keeps is to it. Who may be anybody to the platform is not kept out by one that is over: to begin
    /// another, the last one need not be good any more.
    pub fn cookies(&self) -> Cookies {
        let is_open = !self.ruled && self.access == Some(Access::Anyone);
        if is_open { Cookies::CountIfGood } else { Cookies::Count }
    }

    /// What its calls may do.
    pub fn effect(&self) -> Effect {
        let is_application = self.ruled || self.backend.is_upstream;
        match (self.side_effects, is_application) {
            (false, true) => Effect::Reads,
            (true, true) => Effect::Changes,
            (false, false) => Effect::Inspects,
            (true, false) => Effect::Governs,
        }
    }

    /// Whether its calls are one message for one and change nothing, so that Connect may ask them by GET.
    pub fn is_read(&self) -> bool {
        !self.side_effects && !self.server_streaming && !self.client_streaming
    }
}
