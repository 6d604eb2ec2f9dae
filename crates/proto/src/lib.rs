#![doc = include_str!("../README.md")]
#![allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated code")]

/// The contract of the auth service.
pub mod auth {
    pub mod v1 {
        tonic::include_proto!("mainstay.auth.v1");
    }

    /// What an application serves for the auth service to call.
    pub mod hook {
        pub mod v1 {
            tonic::include_proto!("mainstay.auth.hook.v1");
        }
    }
}

/// The contract of the data service: administration of application contracts.
pub mod data {
    pub mod v1 {
        tonic::include_proto!("mainstay.data.v1");
    }
}

/// The encoded `google.protobuf.FileDescriptorSet` of the platform's contracts and everything they import, with
/// options, comments and source positions.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor_set.bin"));

/// The files (path, text) that a contract may import: `google/*`, `buf/validate/*` and `mainstay/v1/*`.
pub const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// The files (path, text) of the auth service's contract: what a client needs to sign in, beside `SOURCES`.
pub const AUTH_SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/auth_sources.rs"));

/// The files (path, text) of what an application serves for the auth service to call. Beside them it needs only
/// `google/protobuf/*`.
pub const HOOK_SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/hook_sources.rs"));
