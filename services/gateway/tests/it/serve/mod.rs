mod errors;
mod grpc;
mod limits;
mod masks;
mod policy;
mod rest;
mod socket;
mod spelling;
