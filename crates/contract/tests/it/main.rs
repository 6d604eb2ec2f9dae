//! Tests of the contract pipeline, from files to the model.

mod capabilities;
mod cases;
mod conditions;
mod defaults;
mod embedded;
mod export;
mod files;
mod formats;
mod harness;
mod hostile;
mod http_template;
mod judged;
mod limits;
mod links;
mod model;
mod on_delete;
mod requests;
mod shop;
mod size;
mod subject;
mod targets;
mod validate;
