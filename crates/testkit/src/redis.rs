//! A Redis of a test's own, which it can stop, hold, and start again where it was.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::server::free_port;
use crate::tools::redis_server;
use crate::wait::{PATIENCE, PAUSE};

const PASSWORD: &str = "only-tests-know-it";

/// A server on a loopback port, with a password, that keeps nothing on disk. It ends with this value.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    server: Option<Child>,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub fn start() -> Redis {
        let mut redis = Redis { port: free_port(), server: None };
        redis.start_again();
        redis
    }

    /// `redis://…`, with a user who may do no more than the gateway's README says that it needs.
    pub fn url(&self) -> String {
        format!("redis://gateway:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// Ends it at once. What it knew is gone.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Starts it where it was.
    pub fn start_again(&mut self) {
        let program = redis_server();
        // A wheel may carry it as a file that is no program.
        let mut permissions = std::fs::metadata(&program).expect("the server is there").permissions();
        if permissions.mode() & 0o111 == 0 {
            permissions.set_mode(0o755);
            std::fs::set_permissions(&program, permissions).expect("its mode can be set");
        }
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", "", "--appendonly", "no"]);
        command.args(["--requirepass", PASSWORD, "--dir", "/tmp"]);
        command.args(["--user", "gateway", "on", &format!(">{PASSWORD}"), "~mainstay:limits*"]);
        command.args(["+evalsha", "+script|load", "+get", "+set", "+time"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(command.spawn().expect("the server starts"));
        let deadline = Instant::now() + PATIENCE;
        while !answers(self.port) {
            assert!(Instant::now() < deadline, "the Redis does not answer");
            std::thread::sleep(PAUSE);
        }
    }

    /// Lets it take what it is sent and answer nothing, as one that hangs.
    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().expect("it runs");
        let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        kill_process(pid, signal).expect("it is our child");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(format!("AUTH {PASSWORD}\r\n").as_bytes())?;
        let mut answer = [0; 3];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+OK")
    };
    ask().unwrap_or(false)
}
