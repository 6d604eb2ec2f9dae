//! Which member gets a call: the less loaded of two that are drawn by chance (Mitzenmacher, "The Power of Two Choices").

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::member::Member;

/// Draws numbers that need not be secret.
#[derive(Debug, Default)]
pub(super) struct Lot(AtomicU64);

impl Lot {
    /// A number below `count`, which is not 0 (splitmix64, Steele et al.).
    fn draw(&self, count: usize) -> usize {
        let mut drawn = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^= drawn >> 31;
        usize::try_from(drawn >> 33).unwrap_or(0) % count
    }
}

/// Picks of those that are well and were not tried; else of those that were not tried; else of all. Nothing where there is none.
pub(super) fn pick<'m>(lot: &Lot, members: &'m [Arc<Member>], tried: &[SocketAddr]) -> Option<&'m Arc<Member>> {
    let is_new = |member: &&Arc<Member>| !tried.contains(&member.address);
    of_two(lot, members, |member| is_new(member) && member.is_well())
        .or_else(|| of_two(lot, members, is_new))
        .or_else(|| of_two(lot, members, |_| true))
}

fn of_two<'m>(
    lot: &Lot,
    members: &'m [Arc<Member>],
    is_meant: impl Fn(&&Arc<Member>) -> bool,
) -> Option<&'m Arc<Member>> {
    let count = members.iter().filter(&is_meant).count();
    let nth = |n| members.iter().filter(&is_meant).nth(n);
    match count {
        0 => None,
        1 => nth(0),
        _ => {
            let first = lot.draw(count);
            let second = (first + 1 + lot.draw(count - 1)) % count;
            // One may have fallen out since they were counted.
            match (nth(first), nth(second)) {
                (Some(a), Some(b)) => Some(if b.load() < a.load() { b } else { a }),
                (one, other) => one.or(other),
            }
        }
    }
}
