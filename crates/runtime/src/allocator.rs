//! Where the memory of every process comes from.
//!
//! A request makes 30 to 60 small values, whose room costs twice as much of the C library: 4 in 100 of a get's instructions,
//! 6 to 9 of a write's. That is weighed against 2.7 MiB more that an idle process holds. Huge pages are left out: all of one
//! is resident as soon as a byte of it is used.
//!
//! On Linux it takes the place of `malloc` for the whole process, SQLite included, and Rust goes through that: the way by a
//! global allocator asks for an alignment with each value, for which mimalloc takes more room than is needed, and longer.

use mimalloc::MiMalloc;

#[cfg(not(target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The allocator and its version, as `mimalloc 3.3.2`.
#[cfg(target_os = "linux")]
pub(crate) fn name() -> String {
    // The call also keeps it in the program, where nothing else names it.
    let version = MiMalloc.version();
    format!("mimalloc {}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
}

/// The allocator.
#[cfg(not(target_os = "linux"))]
pub(crate) fn name() -> String {
    "mimalloc".to_owned()
}

/// How much is asked for at once. A piece of this size has pages of its own.
const PIECE_BYTES: usize = 1 << 20;

/// Has the allocator look whether it can give memory back. It does so when large pieces are freed, and some time after they
/// were: a process that has taken in a large contract, and then waits for requests, would keep what that took.
pub(crate) fn give_back() {
    for _ in 0..16 {
        // Not written: its bytes would be made resident, and be zeroed by the processor, sixteen times.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(PIECE_BYTES)));
    }
}
