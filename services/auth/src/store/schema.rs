//! The tables of both engines. All times are microseconds since the Unix epoch.

diesel::table! {
    accounts (uid) {
        uid -> Text,
        email -> Text,
        email_key -> Text,
        email_verified -> Bool,
        password_hash -> Text,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
        token_epoch -> BigInt,
        disable_time -> Nullable<BigInt>,
        pending_email -> Nullable<Text>,
        pending_email_key -> Nullable<Text>,
        pending_email_proved -> Bool,
        pending_email_approved -> Bool,
        locale -> Text,
        user_name -> Nullable<Text>,
        user_name_look -> Nullable<Text>,
        display_name -> Text,
        display_name_key -> Text,
        picture_uri -> Text,
        claims -> Text,
        anonymous -> Bool,
    }
}

diesel::table! {
    account_roles (account_uid, role) {
        account_uid -> Text,
        role -> Text,
    }
}

diesel::table! {
    sessions (uid) {
        uid -> Text,
        account_uid -> Text,
        family_hash -> Binary,
        current_hash -> Binary,
        previous_hash -> Nullable<Binary>,
        sealed_successor -> Nullable<Binary>,
        create_time -> BigInt,
        refresh_time -> BigInt,
        expire_time -> BigInt,
        user_agent -> Text,
        network -> Text,
        methods -> Text,
        authenticate_time -> BigInt,
        organisation_uid -> Nullable<Text>,
        actor_uid -> Nullable<Text>,
        actor_session_uid -> Nullable<Text>,
        actor_writes -> Bool,
    }
}

diesel::table! {
    revocations (sequence) {
        sequence -> BigInt,
        account_uid -> Text,
        what -> Text,
        session_uid -> Nullable<Text>,
        before_epoch -> Nullable<BigInt>,
        revoke_time -> BigInt,
        forget_time -> BigInt,
        organisation_uid -> Nullable<Text>,
    }
}

diesel::table! {
    signing_keys (sequence) {
        sequence -> BigInt,
        key_id -> Text,
        public_key -> Binary,
        sealed_private_key -> Binary,
        create_time -> BigInt,
        activate_time -> BigInt,
        algorithm -> Text,
    }
}

diesel::table! {
    mails (uid) {
        uid -> Text,
        sealed_content -> Binary,
        create_time -> BigInt,
        expire_time -> BigInt,
        attempts -> BigInt,
        attempt_time -> BigInt,
        deliver_time -> Nullable<BigInt>,
        account_uid -> Nullable<Text>,
    }
}

diesel::table! {
    audit_events (uid) {
        uid -> Text,
        event_time -> BigInt,
        action -> Text,
        account_uid -> Text,
        actor -> Text,
        subject -> Text,
        details -> Text,
        request_id -> Text,
        network -> Nullable<Text>,
        network_salt -> Nullable<Binary>,
        network_hash -> Binary,
        sequence -> Nullable<BigInt>,
        hash -> Nullable<Binary>,
        organisation_uid -> Nullable<Text>,
    }
}

diesel::table! {
    one_time_secrets (uid) {
        uid -> Text,
        purpose -> Text,
        account_uid -> Nullable<Text>,
        address_hash -> Binary,
        link_hash -> Binary,
        code_hash -> Nullable<Binary>,
        tries -> BigInt,
        create_time -> BigInt,
        expire_time -> BigInt,
        use_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    erasures (uid) {
        uid -> Text,
        account_uid -> Text,
        create_time -> BigInt,
        certificate -> Text,
    }
}

diesel::table! {
    audit_ends (which) {
        which -> Text,
        sequence -> BigInt,
        hash -> Binary,
        seal -> Binary,
    }
}

diesel::table! {
    factors (uid) {
        uid -> Text,
        account_uid -> Text,
        kind -> Text,
        display_name -> Text,
        sealed_content -> Binary,
        credential_id -> Nullable<Binary>,
        counter -> BigInt,
        create_time -> BigInt,
        confirm_time -> Nullable<BigInt>,
        use_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    organisations (uid) {
        uid -> Text,
        display_name -> Text,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
        disable_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    invitations (uid) {
        uid -> Text,
        organisation_uid -> Text,
        email -> Text,
        email_key -> Text,
        roles -> Text,
        inviter_uid -> Nullable<Text>,
        create_time -> BigInt,
        expire_time -> BigInt,
    }
}

diesel::table! {
    members (organisation_uid, account_uid) {
        organisation_uid -> Text,
        account_uid -> Text,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    recovery_codes (account_uid, code_hash) {
        account_uid -> Text,
        code_hash -> Binary,
        use_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    member_roles (organisation_uid, account_uid, role) {
        organisation_uid -> Text,
        account_uid -> Text,
        role -> Text,
    }
}

diesel::table! {
    challenges (uid) {
        uid -> Text,
        purpose -> Text,
        account_uid -> Nullable<Text>,
        secret_hash -> Binary,
        methods -> Text,
        sealed_state -> Nullable<Binary>,
        tries -> BigInt,
        create_time -> BigInt,
        expire_time -> BigInt,
        use_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    service_accounts (uid) {
        uid -> Text,
        organisation_uid -> Nullable<Text>,
        display_name -> Text,
        roles -> Text,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
        token_epoch -> BigInt,
    }
}

diesel::table! {
    service_account_keys (uid) {
        uid -> Text,
        service_account_uid -> Text,
        secret_hash -> Binary,
        prefix -> Text,
        networks -> Text,
        create_time -> BigInt,
        expire_time -> Nullable<BigInt>,
        last_use_time -> Nullable<BigInt>,
        public_key -> Text,
    }
}

diesel::table! {
    first_administrator (id) {
        id -> BigInt,
        token_hash -> Nullable<Binary>,
        expire_time -> BigInt,
        done_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    identities (uid) {
        uid -> Text,
        account_uid -> Text,
        provider -> Text,
        issuer -> Text,
        subject -> Text,
        display_name -> Text,
        create_time -> BigInt,
        use_time -> BigInt,
    }
}

diesel::table! {
    oauth_clients (uid) {
        uid -> Text,
        display_name -> Text,
        client_uri -> Text,
        redirect_uris -> Text,
        post_logout_redirect_uris -> Text,
        scopes -> Text,
        grants -> Text,
        authentication -> Text,
        jwks -> Text,
        trusted -> Bool,
        secret_hash -> Nullable<Binary>,
        former_secret_hash -> Nullable<Binary>,
        former_expire_time -> Nullable<BigInt>,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    oauth_consents (account_uid, client_uid) {
        account_uid -> Text,
        client_uid -> Text,
        scopes -> Text,
        create_time -> BigInt,
        update_time -> BigInt,
    }
}

diesel::table! {
    oauth_grants (uid) {
        uid -> Text,
        client_uid -> Text,
        account_uid -> Nullable<Text>,
        session_uid -> Nullable<Text>,
        kind -> Text,
        decision -> Text,
        secret_hash -> Binary,
        user_code_hash -> Nullable<Binary>,
        redirect_uri -> Text,
        scopes -> Text,
        nonce -> Text,
        code_challenge -> Text,
        methods -> Text,
        authenticate_time -> BigInt,
        create_time -> BigInt,
        expire_time -> BigInt,
        poll_time -> Nullable<BigInt>,
        use_time -> Nullable<BigInt>,
        family_hash -> Nullable<Binary>,
        current_hash -> Nullable<Binary>,
        previous_hash -> Nullable<Binary>,
        sealed_successor -> Nullable<Binary>,
        refresh_time -> BigInt,
        end_time -> BigInt,
    }
}

diesel::table! {
    oauth_assertions (hash) {
        hash -> Binary,
        expire_time -> BigInt,
    }
}

diesel::table! {
    sign_ups (uid) {
        uid -> Text,
        account_uid -> Text,
        method -> Text,
        provider -> Text,
        create_time -> BigInt,
        attempts -> BigInt,
        attempt_time -> BigInt,
    }
}

diesel::joinable!(account_roles -> accounts (account_uid));
diesel::joinable!(sessions -> accounts (account_uid));
diesel::joinable!(oauth_consents -> oauth_clients (client_uid));
diesel::allow_tables_to_appear_in_same_query!(accounts, account_roles, members, sessions);
diesel::allow_tables_to_appear_in_same_query!(oauth_clients, oauth_consents);
