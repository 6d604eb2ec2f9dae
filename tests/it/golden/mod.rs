//! Each kind of change of a contract, on ten thousand rows and both engines: what the plan says, what becomes of the rows, that
//! it is done once, and that a death at any point of it leaves the old schema or the new one.

mod base;
mod cases;
mod store;
mod trial;
