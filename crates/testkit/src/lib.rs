#![doc = include_str!("../README.md")]

pub mod database;
pub mod postgres;

pub use mainstay_db::Engine;
