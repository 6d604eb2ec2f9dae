//! Two instances on one machine, and names of hosts.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use mainstay_testkit::server::{Launch, binary, free_port};
use mainstay_testkit::wait::PATIENCE;

use crate::support::{Folder, notes};

/// A server that is started as a newcomer starts it: nothing says where it listens. Killed with this value.
struct Usual {
    child: Child,
    folder: Folder,
}

impl Usual {
    fn start(role: Option<&str>, settings: &[(&str, &str)]) -> Usual {
        let folder = notes::folder();
        let log = std::fs::File::create(folder.path().join("log")).expect("a file can be made");
        let mut command = Command::new(binary());
        command.arg("serve").args(role).arg("--contracts").arg(folder.contracts());
        command.arg("--data-dir").arg(folder.path().join("data")).envs(settings.iter().copied());
        let both = log.try_clone().expect("the log can be written by both streams");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(both).spawn().expect("the binary starts");
        Usual { child, folder }
    }

    /// Waits until it has printed this, and returns all that it printed.
    async fn printed(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let printed = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            if printed.contains(text) {
                return printed;
            }
            let ended = self.child.try_wait().expect("a child can be asked");
            assert!(Instant::now() < deadline && ended.is_none(), "{text:?} was not printed:\n{printed}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Usual {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Holds a port, or knows that somebody else does.
fn taken(port: u16) -> Option<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).ok()
}

#[tokio::test]
async fn a_second_instance_on_one_machine_takes_other_ports_and_says_so() {
    let _held = [taken(8080), taken(9464)];
    let mut second = Usual::start(None, &[]);
    let printed = second.printed("is ready in").await;
    let printed = if printed.contains("9464 is in use") { printed } else { second.printed("9464 is in use").await };
    for said in [
        "port 8080 is in use; the port for clients (gRPC, REST) is 127.0.0.1:",
        "port 9464 is in use; the port for operators (metrics, probes) is 127.0.0.1:",
    ] {
        assert!(printed.contains(said), "{said:?} is not said:\n{printed}");
    }
    // The command line finds it all the same.
    let admin = Command::new(binary())
        .args(["contract", "plan", "--data-dir"])
        .arg(second.folder.path().join("data"))
        .arg(second.folder.contracts())
        .output()
        .expect("the binary runs");
    assert!(admin.status.success(), "{}", String::from_utf8_lossy(&admin.stderr));
}

/// One of three processes moves too, and says so in its log.
#[tokio::test]
async fn one_of_three_processes_takes_other_ports_as_well() {
    let _held = [taken(8081), taken(9465)];
    let mut auth = Usual::start(Some("auth"), &[]);
    let printed = auth.printed("is ready").await;
    let elsewhere = "give those who call it MAINSTAY__SERVICES__AUTH__URL=http://127.0.0.1:";
    for said in ["port 8081 is in use", "port 9465 is in use", elsewhere] {
        assert!(printed.contains(said), "{said:?} is not said:\n{printed}");
    }
}

/// What somebody chose is theirs, and production takes no other port than it is told.
#[tokio::test]
async fn a_port_that_was_chosen_and_is_taken_is_named_with_what_it_is_for() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = holder.local_addr().expect("it is bound").to_string();
    let folder = notes::folder();
    let launch = || Launch::new(folder.path()).contracts(&folder.contracts());
    let by_flag = ["--operations-listen".to_owned(), address.clone()];
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    for (launch, purpose, setting, flag) in [
        (
            launch().environment("MAINSTAY__OPERATIONS_LISTEN", &*address),
            "operators",
            "operations_listen",
            "--operations-listen",
        ),
        (launch().arguments(by_flag), "operators", "operations_listen", "--operations-listen"),
        (launch().port(port), "clients", "listen", "--listen"),
    ] {
        let (printed, code) = launch.refused().await;
        assert_eq!(code, Some(1), "{printed}");
        let variable = format!("MAINSTAY__{}", setting.to_uppercase());
        for said in [purpose, setting, flag, &variable, &format!("port {port} is in use"), "stop the process"] {
            assert!(printed.contains(said), "{said:?} is not said:\n{printed}");
        }
    }
    assert!(!folder.path().join("data").exists(), "nothing is made before the ports are had");
}

#[tokio::test]
async fn localhost_is_the_loopback_of_both_families() {
    let port = free_port();
    let name = format!("localhost:{port}");
    let mut named = Usual::start(None, &[("MAINSTAY__LISTEN", &name), ("MAINSTAY__OPERATIONS_LISTEN", "localhost:0")]);
    named.printed("is ready in").await;
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    if TcpListener::bind("[::1]:0").is_ok() {
        assert!(std::net::TcpStream::connect(("::1", port)).is_ok(), "the machine has IPv6");
    }
}

#[tokio::test]
async fn an_address_of_another_form_is_refused_with_the_one_that_is_wanted() {
    for (value, said) in [
        ("8080", "write 127.0.0.1:8080"),
        ("localhost", "write 127.0.0.1:8080"),
        ("no-such-host.invalid:80", "is not known"),
    ] {
        let folder = notes::folder();
        let launch = Launch::new(folder.path()).contracts(&folder.contracts());
        let (printed, code) = launch.environment("MAINSTAY__OPERATIONS_LISTEN", value).refused().await;
        assert_eq!(code, Some(1), "{printed}");
        for said in [said, "operations_listen", "MAINSTAY__OPERATIONS_LISTEN"] {
            assert!(printed.contains(said), "{said:?} is not said:\n{printed}");
        }
    }
}
