//! The gateway's tables, as the migrations make them on both engines.

diesel::table! {
    gateway_contract (id) {
        id -> BigInt,
        revision -> BigInt,
        hash -> Text,
        descriptor_set -> Binary,
        fetched_at_us -> BigInt,
    }
}
