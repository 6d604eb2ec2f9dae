//! What is printed for people and scripts.

use std::fmt::Arguments;
use std::io::Write as _;

/// Prints a line, as `println!` does, to whoever still reads: `mainstay … | head` ends calmly, and a server whose output
/// nobody reads any more goes on.
macro_rules! say {
    ($($text:tt)*) => { $crate::say::line(format_args!($($text)*)) };
}

pub(crate) use say;

/// Prints a line.
pub fn line(text: Arguments<'_>) {
    // Somebody who has closed the pipe wants no more, and there is nobody to tell of another failure.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
