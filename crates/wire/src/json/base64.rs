//! Bytes in JSON: standard base64 with padding out, standard or URL-safe with or without padding in (ProtoJSON).

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD_ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const URL_ENGINE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Appends bytes as a quoted JSON string.
pub(crate) fn put_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    put_base64_digits(bytes, out);
    out.push(b'"');
}

/// Appends bytes without quotes; of a part that is not the last, a multiple of three.
pub(crate) fn put_base64_digits(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD_ENGINE.encode_slice(bytes, &mut out[start..]).expect("room for four thirds was made");
    out.truncate(start + written);
}

/// Reads base64 text; nothing where it is not base64.
pub(crate) fn read_base64(text: &str) -> Option<Vec<u8>> {
    let engine = if text.contains(['-', '_']) { &URL_ENGINE } else { &STANDARD_ENGINE };
    engine.decode(text).ok()
}
