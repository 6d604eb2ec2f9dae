//! Messages on their way out. A stream that breaks off breaks the call off: the other side must not take what has come for all
//! that there is.

use super::Messages;
use bytes::{BufMut as _, Bytes};
use futures_util::stream::{BoxStream, StreamExt as _};
use mainstay_fault::Fault;
use std::sync::{Arc, Mutex, PoisonError};
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};

use crate::RawCodec;

/// Why a stream of messages broke off; nothing as long as it has not.
#[derive(Debug, Clone, Default)]
pub(super) struct Broken(Arc<Mutex<Option<Fault>>>);

impl Broken {
    /// Takes the reason, if there is one.
    pub(super) fn take(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// The messages as the codec takes them: what is not there any more is told from the end.
    pub(super) fn watch(&self, messages: Messages) -> BoxStream<'static, Option<Bytes>> {
        let broken = self.clone();
        let told = move |message: Result<Bytes, Fault>| message.map_err(|fault| broken.keep(fault)).ok();
        messages.map(told).boxed()
    }
}

/// [`RawCodec`] for messages that may fail to come: nothing in the place of one resets the call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BreakableCodec;

impl Encoder for BreakableCodec {
    type Item = Option<Bytes>;
    type Error = Status;

    fn encode(&mut self, message: Option<Bytes>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message.ok_or_else(|| Status::cancelled("the caller's messages broke off"))?);
        Ok(())
    }
}

impl Codec for BreakableCodec {
    type Encode = Option<Bytes>;
    type Decode = Bytes;
    type Encoder = BreakableCodec;
    type Decoder = RawCodec;

    fn encoder(&mut self) -> BreakableCodec {
        *self
    }

    fn decoder(&mut self) -> RawCodec {
        RawCodec
    }
}
