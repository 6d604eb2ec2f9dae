//! Follows the frames that come on an HTTP/2 connection (RFC 9113, section 4.1), for those that cost work and ask for nothing.

use super::limits::{QUIET_FRAMES, RESETS};
use tokio::time::Instant;

/// What an HTTP/2 connection begins with.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What stands before the payload of a frame.
const HEAD_BYTES: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

/// The flag of a frame whose payload has padding at its end.
const PADDED: u8 = 8;

/// The most that padding takes, with its length.
const MAX_PADDING: usize = 256;

const ENHANCE_YOUR_CALM: u8 = 11;

/// Follows frames as they come, in pieces of any size.
#[derive(Debug)]
pub(super) struct Frames {
    /// How much of the preface has come.
    greeted: usize,
    head: [u8; HEAD_BYTES],
    /// How much of a head has come.
    read: usize,
    /// How much of a payload is still to come.
    left: usize,
    quiet: Bucket,
    resets: Bucket,
    /// The last stream that the client opened.
    stream: [u8; 4],
}

impl Frames {
    pub(super) fn new() -> Frames {
        let (quiet, resets) = (Bucket::new(QUIET_FRAMES), Bucket::new(RESETS));
        Frames { greeted: 0, head: [0; HEAD_BYTES], read: 0, left: 0, quiet, resets, stream: [0; 4] }
    }

    /// Whether what comes now belongs to an HTTP/2 connection, as far as can be seen.
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        let rest = &PREFACE[self.greeted..];
        let shared = rest.len().min(bytes.len());
        rest[..shared] == bytes[..shared]
    }

    /// Reads on. Says whether too many came that ask for nothing.
    pub(super) fn are_too_many(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.greeted < PREFACE.len() {
                self.greeted += 1;
                bytes = &bytes[1..];
            } else if self.left > 0 {
                let skipped = self.left.min(bytes.len());
                self.left -= skipped;
                bytes = &bytes[skipped..];
            } else {
                let taken = bytes.len().min(HEAD_BYTES - self.read);
                self.head[self.read..self.read + taken].copy_from_slice(&bytes[..taken]);
                self.read += taken;
                bytes = &bytes[taken..];
                if self.read == HEAD_BYTES && self.is_one_too_many() {
                    return true;
                }
            }
        }
        false
    }

    /// A head is there.
    fn is_one_too_many(&mut self) -> bool {
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        self.read = 0;
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        let ends = flags & 1 == 1;
        match kind {
            HEADERS => {
                self.stream = stream;
                false
            }
            // How many belong to one head of a request has a limit of its own.
            CONTINUATION => false,
            // All of a short one may be padding.
            DATA => {
                let may_be_empty = self.left == 0 || ((flags & PADDED) != 0 && self.left <= MAX_PADDING);
                may_be_empty && !ends && !self.quiet.take()
            }
            // An answer to ours: there are no more of them than ours, or it is an error.
            PING | SETTINGS if ends => false,
            RST_STREAM => !self.resets.take(),
            PING | SETTINGS | PRIORITY => !self.quiet.take(),
            // A window that opens is what an answer waits for.
            GOAWAY | WINDOW_UPDATE => false,
            _ => !self.quiet.take(),
        }
    }

    /// The frame that ends the connection and says why.
    pub(super) fn calm_down(&self) -> [u8; HEAD_BYTES + 8] {
        let [a, b, c, d] = self.stream;
        [0, 0, 8, GOAWAY, 0, 0, 0, 0, 0, a & 0x7f, b, c, d, 0, 0, 0, ENHANCE_YOUR_CALM]
    }
}

/// A number of frames that are let through at once, and more with the time.
#[derive(Debug)]
struct Bucket {
    most: u32,
    per_second: u32,
    left: u32,
    /// When it was last full, or filled; nothing as long as it is full.
    since: Option<Instant>,
}

impl Bucket {
    fn new((most, per_second): (u32, u32)) -> Bucket {
        Bucket { most, per_second, left: most, since: None }
    }

    /// Takes one out. What time it is, is asked only where it is empty.
    fn take(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.left == 0 {
            let now = Instant::now();
            let earned = now.duration_since(since).as_millis() * u128::from(self.per_second) / 1_000;
            if earned > 0 {
                self.left = u32::try_from(earned).unwrap_or(u32::MAX).min(self.most);
                self.since = Some(now);
            }
        }
        let has = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[a, b, c, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    fn open() -> Frames {
        let mut frames = Frames::new();
        assert!(frames.begins(PREFACE) && !frames.are_too_many(PREFACE));
        frames
    }

    /// How many of a frame are let through at once.
    fn let_through(frame: &[u8], most: u32) -> u32 {
        let mut frames = open();
        (0..most).find(|_| frames.are_too_many(frame)).unwrap_or(most)
    }

    #[tokio::test(start_paused = true)]
    async fn what_asks_for_nothing_has_a_limit_and_what_asks_has_none() {
        let (quiet, resets) = (QUIET_FRAMES.0, RESETS.0);
        for (frame, most) in [
            (frame(PING, 0, &[0; 8]), quiet),
            (frame(SETTINGS, 0, &[]), quiet),
            (frame(SETTINGS, 0, &[0; 6]), quiet),
            (frame(PRIORITY, 0, &[0; 5]), quiet),
            (frame(DATA, 0, &[]), quiet),
            (frame(DATA, 8, &[3, 0, 0, 0]), quiet),
            (frame(0xaa, 0, b"whatever"), quiet),
            (frame(5, 0, b"push"), quiet),
            (frame(RST_STREAM, 0, &[0; 4]), resets),
        ] {
            assert_eq!(let_through(&frame, 2 * resets), most, "{frame:?}");
        }
        for frame in [
            frame(HEADERS, 4, b"head"),
            frame(DATA, 0, b"data"),
            frame(DATA, 8, &[0; 300]),
            frame(DATA, 1, b""),
            frame(WINDOW_UPDATE, 0, &[0, 0, 1, 0]),
            frame(PING, 1, &[0; 8]),
            frame(SETTINGS, 1, &[]),
            frame(CONTINUATION, 0, b"more"),
        ] {
            assert_eq!(let_through(&frame, 2 * resets), 2 * resets, "{frame:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn more_are_let_through_with_the_time() {
        let mut frames = open();
        let ping = frame(PING, 0, &[0; 8]);
        assert!(!(0..QUIET_FRAMES.0).any(|_| frames.are_too_many(&ping)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!(0..QUIET_FRAMES.1).any(|_| frames.are_too_many(&ping)));
        assert!(frames.are_too_many(&ping));
    }

    #[tokio::test(start_paused = true)]
    async fn frames_are_the_same_however_they_are_cut() {
        let all = [
            PREFACE.to_vec(),
            frame(SETTINGS, 0, &[0; 12]),
            frame(HEADERS, 5, &[7; 300]),
            frame(PING, 0, &[0; 8]),
            frame(DATA, 0, &[PING; 40]),
            frame(0x77, 0, &[1; 5]),
        ]
        .concat();
        for size in [1, 2, 3, 7, 8, 9, 10, 100, all.len()] {
            let mut frames = Frames::new();
            assert!(!all.chunks(size).any(|piece| frames.are_too_many(piece)));
            assert_eq!(frames.quiet.left, QUIET_FRAMES.0 - 3, "in pieces of {size}");
            assert_eq!((frames.read, frames.left), (0, 0));
        }
    }

    #[test]
    fn the_last_frame_says_why_and_up_to_where() {
        let mut frames = open();
        frames.are_too_many(&[0, 0, 0, HEADERS, 5, 0, 0, 1, 5]);
        assert_eq!(frames.calm_down(), [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 1, 5, 0, 0, 0, 11]);
    }
}
