//! The body of an answer that is one text: whole, or written in pieces as it is sent, and compressed where that is worth it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use http_body_util::Full;
use mainstay_fault::Fault;
use mainstay_layers::{Body, Source};
use mainstay_wire::JsonPieces;
use tonic::Status;

use super::compressed::{Coding, SMALLEST};
use crate::transcode::Text;

/// A body, how it is compressed, and what is held of what it is written from.
pub struct Content {
    body: Body,
    pub coding: Option<Coding>,
    held: usize,
}

impl Content {
    /// The text as its caller reads it. What is compressed is not written as it is sent: it is small when it is whole, and
    /// what compresses is larger than that.
    pub async fn of(coding: Option<Coding>, text: Text) -> Result<Content, Fault> {
        match (coding, text) {
            (Some(coding), Text::Whole(whole)) if whole.len() >= SMALLEST => {
                // Boxed, as the rarer way: a future is as large as the largest thing in it.
                let smaller = Box::pin(coding.whole(&whole)).await?;
                let coding = smaller.is_some().then_some(coding);
                Ok(Content::whole(smaller.unwrap_or(whole), coding))
            }
            (_, Text::Whole(whole)) => Ok(Content::whole(whole, None)),
            (Some(coding), Text::Pieces { pieces, held }) => match Box::pin(coding.all(pieces.clone())).await? {
                Some(smaller) => Ok(Content::whole(smaller, Some(coding))),
                None => Content::pieces(pieces, held),
            },
            (None, Text::Pieces { pieces, held }) => Content::pieces(pieces, held),
        }
    }

    fn whole(whole: Bytes, coding: Option<Coding>) -> Content {
        Content { body: Body::new(Full::new(whole)), coding, held: 0 }
    }

    /// The first piece is written before the head leaves: what is wrong with the whole has a status then.
    fn pieces(mut pieces: JsonPieces, held: usize) -> Result<Content, Fault> {
        let first = pieces.next().transpose().map_err(Fault::internal)?;
        Ok(Content { body: Body::new(Written { first, pieces }), coding: None, held })
    }

    /// The answer, without a head yet.
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        if self.held > 0 {
            response.extensions_mut().insert(Source(self.held));
        }
        response
    }
}

/// Writes a piece when it is asked for one. What cannot be read ends the body early: its head has left.
struct Written {
    first: Option<Vec<u8>>,
    pieces: JsonPieces,
}

impl http_body::Body for Written {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let piece = self.first.take().map(Ok).or_else(|| self.pieces.next());
        Poll::Ready(piece.map(|piece| match piece {
            Ok(piece) => Ok(Frame::data(Bytes::from(piece))),
            Err(error) => Err(Fault::internal(error).into()),
        }))
    }
}
