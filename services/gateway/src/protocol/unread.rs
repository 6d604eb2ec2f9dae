//! Why a request could not be read, and who is told.

use mainstay_fault::{Fault, Reason};

use crate::snapshot::Method;
use crate::transcode::Defective;

/// A request that could not be read.
#[derive(Debug)]
pub enum Unread {
    /// How it is sent: its compression, its envelopes, its base64, how many messages it is, a body that is too large, too slow
    /// or broken off. That depends on nothing that the request says, nor on any row: everybody whom the method's own policy lets
    /// in is told at once. Nothing of the message is known then.
    Sent(Fault),
    /// What it says: its JSON, its query, its masks and conditions. That is told after it is decided whether the request may be
    /// made at all (AIP-211), as far as it could be read.
    Says(Defective),
}

/// Refuses a method that takes a stream of its client's messages in a protocol whose requests are one: browsers send a body
/// whole, and JSON over HTTP has no frame for several.
pub fn no_client_streams(method: &Method) -> Fault {
    Fault::new(Reason::Unimplemented)
        .message(format!("`{}` takes a stream of messages, which is served over gRPC and WebSockets", method.path))
        .meta("accept", "application/grpc")
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Unread {
        Unread::Sent(fault)
    }
}

impl From<Defective> for Unread {
    fn from(defective: Defective) -> Unread {
        Unread::Says(defective)
    }
}
