//! Plans, on real contracts and a real SQLite.

mod binding;
mod changes;
mod diff;
mod engines;
mod names;
mod random;
mod readable;
mod s33_widened;
mod served;
mod shop;
mod soft_delete;
mod stored;
mod swapped;
mod terms;
