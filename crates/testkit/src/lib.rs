#![doc = include_str!("../README.md")]

pub mod cluster;
pub mod database;
pub mod faults;
pub mod hoard;
pub mod http;
pub mod postgres;
mod processor;
pub mod proxy;
pub mod redis;
pub mod server;
pub mod tools;
pub mod wait;

pub use mainstay_db::Engine;
pub use processor::cpu_time;
