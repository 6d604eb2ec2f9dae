//! What the conformance suite of Protocol Buffers asks: a message in one format, to be said in another. It asks on the standard
//! input and is answered on the standard output, each message after its length in four bytes.
//!
//! JSON is read and written by the plans that the gateway has. Protobuf that is to stay protobuf is walked by them, and then handed
//! on as it came, as the gateway does it with what speaks gRPC.

use std::env;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use mainstay_wire::{Plans, WireError, frame};
use prost_reflect::DescriptorPool;

/// Names the folder with the files of the messages that the suite sends.
const PROTOS: &str = "CONFORMANCE_PROTOS";

/// The files that the contract language has a syntax for.
const FILES: [&str; 2] = ["google/protobuf/test_messages_proto2.proto", "google/protobuf/test_messages_proto3.proto"];

/// Field numbers of `conformance.ConformanceRequest`.
mod request {
    pub const PROTOBUF: u32 = 1;
    pub const JSON: u32 = 2;
    pub const OUTPUT: u32 = 3;
    pub const MESSAGE: u32 = 4;
    pub const CATEGORY: u32 = 5;
}

/// `conformance.WireFormat`.
mod format {
    pub const PROTOBUF: i32 = 1;
    pub const JSON: i32 = 2;
}

/// `JSON_IGNORE_UNKNOWN_PARSING_TEST` of `conformance.TestCategory`.
const IGNORING_UNKNOWN: i32 = 3;

/// `conformance.ConformanceResponse.result`, with its field numbers.
enum Answer {
    ParseError(String),
    SerializeError(String),
    Protobuf(Vec<u8>),
    Json(Vec<u8>),
    Skipped(&'static str),
}

impl Answer {
    fn encoded(&self) -> Vec<u8> {
        let (number, value): (u32, &[u8]) = match self {
            Answer::ParseError(text) => (1, text.as_bytes()),
            Answer::SerializeError(text) => (6, text.as_bytes()),
            Answer::Protobuf(wire) => (3, wire),
            Answer::Json(json) => (4, json),
            Answer::Skipped(why) => (5, why.as_bytes()),
        };
        let mut out = Vec::new();
        frame::put_message(number, value, &mut out);
        out
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var(PROTOS).map_err(|_| format!("{PROTOS} names no folder"))?;
    let mut compiler = protox::Compiler::new([folder])?;
    compiler.include_imports(true).open_files(FILES)?;
    let plans = Plans::new(&DescriptorPool::decode(&*compiler.encode_file_descriptor_set())?);
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut length = [0; 4];
    while input.read_exact(&mut length).is_ok() {
        let mut request = vec![0; usize::try_from(u32::from_le_bytes(length))?];
        input.read_exact(&mut request)?;
        let answer = answer(&plans, &request)?.encoded();
        output.write_all(&u32::try_from(answer.len())?.to_le_bytes())?;
        output.write_all(&answer)?;
        output.flush()?;
    }
    Ok(())
}

fn answer(plans: &Arc<Plans>, asked: &[u8]) -> Result<Answer, WireError> {
    let output = frame::int32(asked, request::OUTPUT)?.unwrap_or_default();
    if frame::int32(asked, request::CATEGORY)? == Some(IGNORING_UNKNOWN) {
        return Ok(Answer::Skipped("unknown fields are always refused in JSON"));
    }
    let Some(message) = frame::string(asked, request::MESSAGE)?.and_then(|name| plans.message(name)) else {
        return Ok(Answer::Skipped("contracts have no editions"));
    };
    let mut wire = Vec::new();
    if let Some(json) = frame::bytes(asked, request::JSON)? {
        if let Err(error) = plans.from_json(message, json, &mut wire, None) {
            return Ok(Answer::ParseError(error.to_string()));
        }
    } else if let Some(given) = frame::bytes(asked, request::PROTOBUF)? {
        wire.extend_from_slice(given);
    } else {
        return Ok(Answer::Skipped("this text format is not spoken"));
    }
    let mut json = Vec::new();
    Ok(match (plans.to_json(message, &wire, &mut json), output) {
        (Err(error), _) if is_no_message(&error) => Answer::ParseError(error.to_string()),
        (_, format::PROTOBUF) => Answer::Protobuf(wire),
        (Ok(()), format::JSON) => Answer::Json(json),
        (Err(error), format::JSON) => Answer::SerializeError(error.to_string()),
        _ => Answer::Skipped("this text format is not spoken"),
    })
}

/// Whether the bytes are no message at all, and not one that JSON has no words for.
fn is_no_message(error: &WireError) -> bool {
    ["the bytes are not a protobuf message", "not UTF-8", "nested deeper"].iter().any(|why| error.message.contains(why))
}
