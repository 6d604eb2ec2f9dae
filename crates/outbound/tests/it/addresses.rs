//! S14: which addresses are called.

use http::Request;
use mainstay_outbound::{Client, Error, Networks, OutboundConfig};

fn client(networks: &[&str]) -> Client {
    let private_networks = Networks::new(networks.iter().copied()).unwrap();
    Client::new(&OutboundConfig { private_networks, timeout_seconds: 1, ..OutboundConfig::default() }).unwrap()
}

async fn refused(client: &Client, address: &str) -> Error {
    let request = Request::get(address).body(Vec::new()).unwrap();
    client.send(request, 1_024).await.err().unwrap_or_else(|| panic!("{address} was called"))
}

#[tokio::test]
async fn what_is_not_of_the_public_internet_is_not_called() {
    let client = client(&[]);
    let hosts = [
        "127.0.0.1",
        "127.255.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2001::1]",
        "[4000::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::10.0.0.1]",
        "[2002:7f00:1::1]",
        "[2002:c0a8:101::1]",
        "localhost",
        "LOCALHOST",
    ];
    for host in hosts {
        for scheme in ["https", "http"] {
            let error = refused(&client, &format!("{scheme}://{host}/")).await;
            assert!(matches!(error, Error::Private(_)), "{host}: {error:?}");
        }
    }
}

#[tokio::test]
async fn metadata_services_and_neighbours_are_not_called_whatever_is_configured() {
    let client = client(&["0.0.0.0/0", "::/0"]);
    for host in [
        "169.254.169.254",
        "169.254.1.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "[ff02::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
    ] {
        let error = refused(&client, &format!("https://{host}/latest/meta-data/")).await;
        assert!(matches!(error, Error::Private(_)), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_not_encrypted_stays_inside_the_machine() {
    let client = client(&["10.0.0.0/8"]);
    for host in ["10.1.2.3", "8.8.8.8", "[2606:4700::1111]"] {
        let error = refused(&client, &format!("http://{host}/")).await;
        assert!(matches!(error, Error::Plain(_)), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_no_address_of_a_host_is_not_called() {
    let client = client(&["0.0.0.0/0"]);
    for address in [
        "ftp://example.org/",
        "/path",
        "https://user@127.0.0.1/",
        "https://good.example@127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
    ] {
        let error = refused(&client, address).await;
        assert!(matches!(error, Error::NotAnAddress(_)), "{address}: {error:?}");
    }
}
