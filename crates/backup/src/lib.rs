#![doc = include_str!("../README.md")]

mod archive;
mod aside;
mod error;
mod folder;
mod header;
mod manifest;
mod pace;
mod seal;
mod secret;

pub use archive::{Backup, write};
pub use aside::Aside;
pub use error::{Error, MIN_PASSPHRASE};
pub use folder::{UNFINISHED_RESTORE, is_link, make_private, put_in_place, refuse_filled, sync};
pub use header::{FORMAT, Header};
pub use manifest::{ContractRevision, File, Manifest, Store};
pub use pace::give_way;
pub use secret::Secret;
