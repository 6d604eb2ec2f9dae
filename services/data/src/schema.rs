//! The data service's own tables. The application's tables are made by the plan and have no Rust type.

diesel::table! {
    mainstay_contracts (revision) {
        revision -> BigInt,
        hash -> Text,
        sources -> Text,
        ledger -> Text,
        applied_at -> BigInt,
    }
}

diesel::table! {
    mainstay_keys (purpose) {
        purpose -> Text,
        sealed -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    mainstay_replies (request) {
        request -> Binary,
        fingerprint -> Binary,
        resource_key -> Text,
        answer -> Binary,
        expires_at -> BigInt,
    }
}

// The same on SQLite.
diesel::table! {
    #[sql_name = "mainstay_replies"]
    mainstay_reply_log (id) {
        id -> BigInt,
        request -> Binary,
        fingerprint -> Binary,
        resource_key -> Text,
        answer -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    mainstay_reply_places (request) {
        request -> Binary,
        reply -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(mainstay_reply_log, mainstay_reply_places);

diesel::table! {
    mainstay_transitions (resource, row_key, revision) {
        resource -> Text,
        row_key -> Text,
        revision -> BigInt,
        at -> BigInt,
        actor -> Text,
        transition -> Text,
        field -> BigInt,
        from_state -> BigInt,
        to_state -> BigInt,
        inputs -> Binary,
    }
}

// Where replies were before they had short keys.
diesel::table! {
    mainstay_answers (principal, method, request_id) {
        principal -> Text,
        method -> Text,
        request_id -> Text,
        request_hash -> Binary,
        resource_key -> Text,
        answer -> Binary,
        expires_at -> BigInt,
    }
}
