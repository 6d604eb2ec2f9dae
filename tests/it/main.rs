//! Laws of the code base, and what needs more than one service.

mod laws;
