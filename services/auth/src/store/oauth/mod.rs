//! What other applications may know and do of accounts.

pub mod assertions;
pub mod clients;
pub mod consents;
pub mod grants;
