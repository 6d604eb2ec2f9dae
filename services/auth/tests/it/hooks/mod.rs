//! A24: what of the application is asked and told.

mod assertion;
mod fake;
mod mails;
mod minting;
mod settings;
mod sign_up;
mod telling;
