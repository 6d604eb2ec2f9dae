//! What the gateway knows of one RPC.

use std::sync::Arc;

use mainstay_layers::{Access, Effect};
use mainstay_telemetry::Route;
use mainstay_wire::MessageId;

use super::cursor::Cursor;
use super::kinds::Kinds;
use crate::backends::Backend;

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
    /// Whether the data service decides by a resource's rules who may do what the call asks for.
    pub ruled: bool,
    /// Where its calls are counted.
    pub route: Arc<Route>,
    /// Whether a call may change something. What says that it does not may be asked by GET wherever a protocol has that.
    pub side_effects: bool,
    pub client_streaming: bool,
    pub server_streaming: bool,
    /// Where its stream can be taken up again.
    pub cursor: Option<Cursor>,
    /// What kinds of messages it has.
    pub kinds: Kinds,
    pub input: MessageId,
    pub output: MessageId,
    /// The number of the answer's field that is its etag.
    pub etag: Option<u32>,
}

impl Method {
    /// What its calls may do.
    pub fn effect(&self) -> Effect {
        match (self.side_effects, self.ruled) {
            (false, _) => Effect::Reads,
            (true, true) => Effect::Changes,
            (true, false) => Effect::Governs,
        }
    }

    /// Whether its calls are one message for one and change nothing, so that Connect may ask them by GET.
    pub fn is_read(&self) -> bool {
        !self.side_effects && !self.server_streaming && !self.client_streaming
    }
}
