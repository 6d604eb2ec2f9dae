//! What accounts, sessions and keys are and how they change. Knows no wire format and no database.

pub mod account;
pub mod authentication;
pub mod challenge;
pub mod claims;
pub mod client;
pub mod email;
pub mod factor;
pub mod locale;
pub mod oauth;
pub mod one_time_secret;
pub mod organisation;
pub mod page_token;
pub mod password;
pub mod profile;
pub mod provider;
pub mod recovery_code;
pub mod refresh_token;
pub mod role;
pub mod search;
pub mod service_account;
pub mod session;
pub mod signing;
pub mod strength;
pub mod totp;
pub mod user_name;
