//! Each rule that the code base lives by is a test.

mod circles;
mod contracts;
mod dependencies;
mod deployment;
mod diagram;
mod jobs;
mod licences;
mod methods;
mod s20_principals;
mod settings;
mod sources;
mod workspace;
