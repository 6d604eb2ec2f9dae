//! Where a call comes from, and whose word about it counts.

use crate::desk::{SECRET, bench, get};
use mainstay_layers::{Peer, ProxyHeader, TrustedProxies};
use std::net::IpAddr;

fn peer(address: &str) -> Peer {
    Peer::at(address.parse::<IpAddr>().unwrap())
}

/// The address that a handler is told, for a connection from `nearest` that sends these headers.
async fn told(nearest: &str, headers: &[(&str, &str)]) -> String {
    told_by(ProxyHeader::XForwardedFor, nearest, headers).await
}

async fn told_by(header: ProxyHeader, nearest: &str, headers: &[(&str, &str)]) -> String {
    let mut bench = bench(10);
    bench.trust(TrustedProxies::new(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]).unwrap().saying_by(header));
    let request = headers.iter().fold(get("/t.S/Open"), |request, (name, value)| request.header(*name, *value));
    let answer = bench.json(request.extension(peer(nearest))).await;
    answer["peer"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn without_a_proxy_it_is_the_other_end_of_the_connection() {
    assert_eq!(told("203.0.113.9", &[]).await, "203.0.113.9");
    assert_eq!(told("::ffff:203.0.113.9", &[]).await, "203.0.113.9", "one spelling of one address");
    let nobodys_word =
        [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.1"), ("x-real-ip", "198.51.100.1")];
    assert_eq!(told("203.0.113.9", &nobodys_word).await, "203.0.113.9");
}

#[tokio::test]
async fn a_trusted_proxy_says_who_is_behind_it() {
    for (nearest, chain, client) in [
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("192.0.2.7", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"),
        // What the client wrote itself stands before what its proxy saw.
        ("10.1.2.3", "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.1.2.3", "10.0.0.1,10.0.0.2", "10.0.0.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("10.1.2.3", "[2001:db8::5]:4711", "2001:db8::5"),
        ("10.1.2.3", "198.51.100.1:4711", "198.51.100.1"),
        ("10.1.2.3", "\"[2001:db8::5]\"", "2001:db8::5"),
        // What is no address hides what is before it.
        ("10.1.2.3", "198.51.100.1, unknown", "10.1.2.3"),
        ("10.1.2.3", "198.51.100.1, unknown, 10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", "", "10.1.2.3"),
    ] {
        assert_eq!(told(nearest, &[("x-forwarded-for", chain)]).await, client, "{nearest} {chain}");
    }
    let twice = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "198.51.100.1, 10.9.9.9")];
    assert_eq!(told("10.1.2.3", &twice).await, "198.51.100.1", "two headers are one list");
}

#[tokio::test]
async fn the_standard_header_is_read_where_proxies_write_it() {
    for (nearest, chain, client) in [
        ("10.1.2.3", "for=198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "For=198.51.100.1;proto=https;by=10.1.2.3", "198.51.100.1"),
        ("10.1.2.3", "for=127.0.0.1, for=198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "for=198.51.100.1,for=10.9.9.9;host=a", "198.51.100.1"),
        ("fd00::1", "for=\"[2001:db8::5]:4711\"", "2001:db8::5"),
        ("10.1.2.3", "for=\"198.51.100.1:80\"", "198.51.100.1"),
        // A client that opens a quote hides nothing of what is behind it.
        ("10.1.2.3", "for=\"127.0.0.1, for=198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "for=\"127.0.0.1, for=\"[2001:db8::5]\"", "2001:db8::5"),
        ("10.1.2.3", "for=198.51.100.1, for=unknown", "10.1.2.3"),
        ("10.1.2.3", "for=198.51.100.1, for=_hidden, for=10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", "for=198.51.100.1;for=198.51.100.2", "10.1.2.3"),
        ("10.1.2.3", "proto=https", "10.1.2.3"),
        ("203.0.113.9", "for=198.51.100.1", "203.0.113.9"),
    ] {
        let told = told_by(ProxyHeader::Forwarded, nearest, &[("forwarded", chain)]).await;
        assert_eq!(told, client, "{nearest} {chain}");
    }
    let twice = [("forwarded", "for=127.0.0.1"), ("forwarded", "for=198.51.100.1, for=10.9.9.9")];
    assert_eq!(told_by(ProxyHeader::Forwarded, "10.1.2.3", &twice).await, "198.51.100.1", "two headers are one list");
}

/// Bytes that are no text, which a client may send, hide nothing of what its proxy has added behind them.
#[tokio::test]
async fn what_is_no_text_hides_nothing_of_what_stands_behind_it() {
    for (header, name, line) in [
        (ProxyHeader::XForwardedFor, "x-forwarded-for", &b"\xff, 198.51.100.1"[..]),
        (ProxyHeader::Forwarded, "forwarded", b"for=\xff, for=198.51.100.1"),
    ] {
        let mut bench = bench(10);
        bench.trust(TrustedProxies::new(["10.0.0.0/8"]).unwrap().saying_by(header));
        let request = get("/t.S/Open").header(name, line).extension(peer("10.1.2.3"));
        assert_eq!(bench.json(request).await["peer"], "198.51.100.1", "{name}");
    }
}

/// A proxy that writes one of the two passes the other one on as a client made it up.
#[tokio::test]
async fn of_the_two_headers_only_that_of_the_proxies_is_read() {
    let both = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.2")];
    assert_eq!(told_by(ProxyHeader::XForwardedFor, "10.1.2.3", &both).await, "198.51.100.1");
    assert_eq!(told_by(ProxyHeader::Forwarded, "10.1.2.3", &both).await, "198.51.100.2");
    assert_eq!(told_by(ProxyHeader::XForwardedFor, "10.1.2.3", &both[1..]).await, "10.1.2.3");
    assert_eq!(told_by(ProxyHeader::Forwarded, "10.1.2.3", &both[..1]).await, "10.1.2.3");
}

#[tokio::test]
async fn a_service_is_believed_by_its_key_and_nobody_else() {
    let right = format!("mainstay-service.gateway.{SECRET}");
    let wrong = format!("mainstay-service.gateway.{}", "f".repeat(32));
    let with = |voucher: &str| {
        let headers = [
            ("x-mainstay-peer".to_owned(), "198.51.100.1".to_owned()),
            ("x-mainstay-peer-voucher".to_owned(), voucher.to_owned()),
        ];
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            told("203.0.113.9", &headers).await
        }
    };
    assert_eq!(with(&right).await, "198.51.100.1");
    for forged in [&wrong, "", "mainstay-service.gateway.", "mainstay-service.nobody.x"] {
        assert_eq!(with(forged).await, "203.0.113.9", "{forged}");
    }
    assert_eq!(told("203.0.113.9", &[("x-mainstay-peer", "198.51.100.1")]).await, "203.0.113.9");
    assert_eq!(told("10.1.2.3", &[("x-mainstay-peer", "198.51.100.1")]).await, "10.1.2.3", "a proxy is no service");
}

#[tokio::test]
async fn neither_the_address_nor_the_voucher_reaches_a_handler_as_a_header() {
    let request = get("/t.S/Open").header("x-mainstay-peer", "198.51.100.1").header("x-mainstay-peer-voucher", "x");
    let answer = bench(10).json(request.extension(peer("203.0.113.9"))).await;
    assert_eq!(answer["headers"], serde_json::json!([]));
}

#[test]
fn what_is_no_network_is_named() {
    for text in ["", "10.0.0.0/8", " 10.0.0.1 ", "fd00::/8", "::1"] {
        assert!(TrustedProxies::new([text]).is_ok(), "{text}");
    }
    for text in ["10.0.0", "10.0.0.0/33", "localhost", "*", "10.0.0.1:80"] {
        let refused = TrustedProxies::new([text]).unwrap_err().to_string();
        assert!(refused.contains(text) && refused.contains("10.0.0.0/8"), "{refused}");
    }
}

#[test]
fn proxies_are_a_list_or_one_text_with_commas() {
    let list: TrustedProxies = serde_json::from_str(r#"["10.0.0.0/8", "::1"]"#).unwrap();
    let text: TrustedProxies = serde_json::from_str(r#""10.0.0.0/8, ::1""#).unwrap();
    assert_eq!(list, text);
    let refused = serde_json::from_str::<TrustedProxies>(r#"["10.0.0.0/8", "everybody"]"#).unwrap_err();
    assert!(refused.to_string().contains("everybody"), "{refused}");
    assert!(serde_json::from_str::<TrustedProxies>("7").is_err());
}
