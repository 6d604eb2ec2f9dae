//! The sample applications as people use them, over REST, on both engines. A journey that needs what is not built yet stands here
//! all the same and says what it waits for.

mod ledger;
mod people;
mod shop;
mod social;
