//! Links the application's files.
//!
//! A linked file takes many times what it is encoded, and more while it is linked; so one follows the other, and what nobody
//! asks of them here, the comments, is left out.

use bytes::{Buf as _, Bytes};
use prost::encoding::{DecodeContext, decode_key, skip_field};
use prost::{DecodeError, Message};
use prost_reflect::{DescriptorError, DescriptorPool};

/// A descriptor set that no snapshot can be made of.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("the descriptor set cannot be read: {0}")]
    Unreadable(#[from] DecodeError),
    #[error("the descriptor set is not usable: {0}")]
    Unlinked(#[from] DescriptorError),
}

/// An encoded `google.protobuf.FileDescriptorSet`, whose files stand after those that they import.
#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    file: Vec<Bytes>,
}

/// The comments of a `google.protobuf.FileDescriptorProto`, and where everything stands.
const SOURCE_CODE_INFO: u32 = 9;

/// Adds the files of a set to a pool, those excepted whose name is there already.
pub(super) fn link(pool: &mut DescriptorPool, set: Bytes) -> Result<(), SnapshotError> {
    for file in Set::decode(set)?.file {
        pool.decode_file_descriptor_proto(without_comments(&file)?.as_slice())?;
    }
    Ok(())
}

fn without_comments(file: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (mut rest, mut kept) = (file, Vec::with_capacity(file.len()));
    while rest.has_remaining() {
        let field = rest;
        let (number, wire_type) = decode_key(&mut rest)?;
        skip_field(wire_type, number, &mut rest, DecodeContext::default())?;
        if number != SOURCE_CODE_INFO {
            kept.extend_from_slice(&field[..field.len() - rest.len()]);
        }
    }
    Ok(kept)
}
