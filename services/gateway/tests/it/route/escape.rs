use mainstay_gateway::route::{EscapeError, Keep, decode_path, decode_query};
use proptest::prelude::*;

#[test]
fn a_single_segment_is_decoded_as_a_whole() {
    assert_eq!(decode_path("a%2Fb%20c%c3%bc", Keep::Nothing).unwrap(), "a/b cü");
}

#[test]
fn an_encoded_slash_stays_encoded_in_several_segments() {
    assert_eq!(decode_path("shelves/a%2Fb%2fc%20d", Keep::Slash).unwrap(), "shelves/a%2Fb%2fc d");
}

#[test]
fn a_plus_is_a_space_in_a_query_only() {
    assert_eq!(decode_query("a+b%2Bc").unwrap(), "a b+c");
    assert_eq!(decode_path("a+b", Keep::Nothing).unwrap(), "a+b");
}

#[test]
fn what_is_no_escape_is_refused() {
    for text in ["%", "%4", "%zz", "a%2", "%2x", "%%20"] {
        assert_eq!(decode_path(text, Keep::Nothing), Err(EscapeError::Malformed), "{text}");
    }
    assert_eq!(decode_path("%ff", Keep::Nothing), Err(EscapeError::NotUtf8));
    assert_eq!(decode_query("%c3%28"), Err(EscapeError::NotUtf8));
}

/// Encodes like a client that follows http.proto: everything but `[-_.~0-9a-zA-Z]`.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_a_client_encodes_is_decoded(text in any::<String>()) {
        let encoded = encode(&text);
        prop_assert_eq!(decode_path(&encoded, Keep::Nothing).unwrap(), text.as_str());
        prop_assert_eq!(decode_query(&encoded).unwrap(), text.as_str());
    }

    #[test]
    fn no_text_makes_decoding_panic(text in "[%a-f0-9+ü/]{0,24}") {
        let _ = decode_path(&text, Keep::Slash);
        let _ = decode_query(&text);
    }
}
