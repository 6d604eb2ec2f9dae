mod authenticator;
mod forge;
mod principal;
mod s07_jwt_confusion;
mod service_keys;
mod verifier;
