//! What one WebSocket may cost.

use std::time::Duration;

/// Calls that are open at a time.
pub const MAX_CALLS: usize = 100;

/// Messages of one call that its client may send before they are taken; more it may send by and by, as it is told.
pub const WINDOW: u32 = 16;

/// How many messages one call can be let send: what is beyond is as good as this.
pub const MAX_CREDIT: usize = 1_000_000;

/// What a frame may have beside its message, in bytes: the method, metadata, a token.
pub const FRAME_BYTES: usize = 32 << 10;

/// Of how many of the largest messages calls may leave unread what has come, all of one socket together.
pub const UNREAD_MESSAGES: usize = 2;

/// How long nothing is read where they leave more, before the call is ended that it is for.
pub const UNREAD_WAIT: Duration = Duration::from_secs(3);

/// Frames that wait to be sent.
pub const QUEUE: usize = 16;

/// How long somebody who has said nothing of who they are may say nothing at all.
pub const FIRST_FRAME_WAIT: Duration = Duration::from_secs(10);

/// How long a credential in a frame may take to be looked at.
pub const IDENTIFY_WAIT: Duration = Duration::from_secs(5);

/// How often the other side is asked whether it lives.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);

/// After how many questions without any answer it does not.
pub const UNANSWERED_PINGS: u32 = 3;

/// How long a socket without calls is kept on which nothing is said.
pub const IDLE_AFTER: Duration = Duration::from_secs(10 * 60);

/// How long open calls have to come to their end when the process stops.
pub const LEAVING_GRACE: Duration = Duration::from_secs(5);

/// How long a goodbye may take.
pub const CLOSE_WAIT: Duration = Duration::from_secs(5);
