//! Tests of the contract pipeline, from files to the model.

mod capabilities;
mod cases;
mod defaults;
mod embedded;
mod harness;
mod hostile;
mod limits;
mod model;
mod shop;
mod validate;
