//! How many files and connections the process may have open.

use crate::server::RESERVED_DESCRIPTORS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets the process have as many files open as it may at most, and returns how many that are; nothing where there is no limit.
///
/// What a process begins with is often 1,024, since old programs cannot count further; what it may ask for is what its operator
/// has decided.
pub fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Where that fails, what there was is what there is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    getrlimit(Resource::Nofile).current
}

/// How many of `wanted` connections there are descriptors for, if stores and other services have theirs: at least half of what
/// there is.
pub fn room(wanted: usize, descriptors: Option<u64>) -> usize {
    let Some(descriptors) = descriptors else { return wanted };
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    let reserved = RESERVED_DESCRIPTORS.min(descriptors / 2);
    wanted.min(descriptors - reserved).max(1)
}

/// How many of `room` connections those are that would be `part` of `wanted`, at least one.
pub fn share(part: usize, room: usize, wanted: usize) -> usize {
    if room >= wanted {
        return part;
    }
    // Numbers of connections are far from where their product would not fit.
    (part.saturating_mul(room) / wanted).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        for (wanted, descriptors, room_for) in [
            (8_192, None, 8_192),
            (8_192, Some(1 << 20), 8_192),
            (8_192, Some(8_704), 8_192),
            (8_192, Some(8_703), 8_191),
            (8_192, Some(1_024), 512),
            (8_192, Some(256), 128),
            (8_192, Some(1), 1),
            (8_192, Some(0), 1),
            (100, Some(1_024), 100),
        ] {
            assert_eq!(room(wanted, descriptors), room_for, "{wanted} {descriptors:?}");
        }
    }

    #[test]
    fn one_peer_never_has_all_of_what_there_is_room_for() {
        for (part, room, wanted, left) in [
            (2_048, 8_192, 8_192, 2_048),
            (2_048, 512, 8_192, 128),
            (2_048, 128, 8_192, 32),
            (2_048, 1, 8_192, 1),
            (50, 100, 100, 50),
            (8_192, 512, 8_192, 512),
            (usize::MAX, 512, 8_192, usize::MAX / 8_192),
        ] {
            assert_eq!(share(part, room, wanted), left, "{part} {room} {wanted}");
        }
    }

    #[test]
    fn the_limit_is_raised_to_what_may_be_asked_for() {
        let raised = raise();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!((current, raised), (maximum, maximum));
    }
}
