//! What the tests of whole systems share.

pub mod contracts;
pub mod notes;
pub mod readme;
pub mod socket;
pub mod system;

pub use contracts::{Folder, repository};
pub use socket::Socket;
pub use system::{PASSWORD, System, stores};
