//! Plans, on real contracts and a real SQLite.

mod binding;
mod changes;
mod engines;
mod names;
mod random;
mod readable;
mod shop;
mod soft_delete;
mod stored;
mod swapped;
mod terms;
