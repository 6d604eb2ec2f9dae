//! What somebody at a terminal sees of a long command.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

/// Says on a terminal what is being done; says nothing elsewhere. One line, which is gone at the end.
pub struct Progress {
    shown: bool,
    /// The percentage that was said last.
    said: AtomicU64,
}

const NONE: u64 = u64::MAX;

impl Progress {
    pub fn new() -> Progress {
        Progress { shown: std::io::stderr().is_terminal(), said: AtomicU64::new(NONE) }
    }

    /// Begins something.
    pub fn begin(&self, what: &str) {
        self.said.store(NONE, Ordering::Relaxed);
        self.line(what);
    }

    /// Says how far it is.
    pub fn done(&self, what: &str, bytes: u64, of: u64) {
        let percent = bytes.saturating_mul(100).checked_div(of).unwrap_or(100).min(100);
        if self.said.swap(percent, Ordering::Relaxed) != percent {
            self.line(&format!("{what} {percent} %"));
        }
    }

    fn line(&self, text: &str) {
        if self.shown {
            let mut terminal = std::io::stderr().lock();
            // Whoever has closed the terminal wants no more.
            let _ = write!(terminal, "\r\x1b[2K  {text}").and_then(|()| terminal.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let mut terminal = std::io::stderr().lock();
            let _ = write!(terminal, "\r\x1b[2K").and_then(|()| terminal.flush());
        }
    }
}

/// A size as people read it.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1 << 10 {
        return format!("{bytes} bytes");
    }
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) >> 10, 0);
    while tenths >= 10 << 10 && unit + 1 < UNITS.len() {
        tenths >>= 10;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}
