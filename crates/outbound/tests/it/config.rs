use std::path::PathBuf;

use mainstay_outbound::{Client, Networks, OutboundConfig, TlsError};

#[test]
fn networks_are_a_list_or_a_text_with_commas() {
    let expected = Networks::new(["10.0.0.0/8", "fd00::7"]).unwrap();
    let list: OutboundConfig = serde_json::from_str(r#"{"private_networks": ["10.1.2.3/8", "fd00::7"]}"#).unwrap();
    let text: OutboundConfig = serde_json::from_str(r#"{"private_networks": "10.0.0.0/8, fd00::7"}"#).unwrap();
    assert_eq!((list.private_networks, text.private_networks), (expected.clone(), expected));
    for wrong in [r#"{"private_networks": ["example.org"]}"#, r#"{"private_networks": "10.0.0.0/33"}"#] {
        let refused = serde_json::from_str::<OutboundConfig>(wrong).unwrap_err().to_string();
        assert!(refused.contains("is not an address or a network"), "{refused}");
    }
}

#[test]
fn authorities_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    for path in [PathBuf::from("/nowhere/ca.pem"), empty] {
        let config = OutboundConfig { ca_file: Some(path.clone()), ..OutboundConfig::default() };
        let refused = Client::new(&config).err().unwrap();
        assert!(matches!(refused, TlsError::CaFile { .. }) && refused.to_string().contains(path.to_str().unwrap()));
    }
}

#[test]
fn a_call_takes_a_bounded_time() {
    for (timeout_seconds, is_possible) in [(0, false), (1, true), (60, true), (61, false)] {
        let config = OutboundConfig { timeout_seconds, ..OutboundConfig::default() };
        assert_eq!(config.problems().is_empty(), is_possible, "{timeout_seconds}");
    }
}
