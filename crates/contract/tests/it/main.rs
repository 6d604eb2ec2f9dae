//! Tests of the contract pipeline, from files to the model.

mod cases;
mod harness;
mod shop;
