//! What is made of the contract: messages, the service to implement, the client of the catalogue.

/// Packages lie in one another as their names do.
pub mod proto {
    pub mod catalog {
        pub mod v1 {
            tonic::include_proto!("catalog.v1");
        }
    }
    pub mod google {
        pub mod api {
            tonic::include_proto!("google.api");
        }
    }
    pub mod mainstay {
        pub mod v1 {
            tonic::include_proto!("mainstay.v1");
        }
    }
}
