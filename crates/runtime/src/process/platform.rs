//! What every service shows on its own port beside its own methods.

use bytes::Bytes;
use mainstay_telemetry::Metrics;
use prost::DecodeError;
use prost_reflect::DescriptorPool;
use tonic::service::Routes;

use super::{Failure, Process};
use crate::{Files, Health, Methods, Reflection, policies};
use mainstay_layers::Policies;

/// The platform's own contract, and the services that every port has: health and reflection.
#[derive(Clone)]
pub struct Platform {
    pub pool: DescriptorPool,
    pub reflection: Reflection,
    /// The methods that reflection shows to everybody; nothing where it shows all.
    pub open: Option<Methods>,
    health: Health,
}

impl Platform {
    /// Reads the platform's contract and shows it.
    pub fn new(process: &Process) -> Result<Platform, Failure> {
        let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
        // Who develops looks around; elsewhere nobody is shown what he may not call.
        let open = (!process.common.is_development()).then(|| policies::open(&pool));
        let reflection = Reflection::new(Platform::files()?, open.clone(), process.shutdown.clone());
        Ok(Platform { pool, reflection, open, health: process.health.clone() })
    }

    /// The files of the platform's own contract, for reflection.
    pub fn files() -> Result<Files, DecodeError> {
        let mut files = Files::default();
        files.add(Bytes::from_static(mainstay_proto::DESCRIPTOR_SET))?;
        Ok(files)
    }

    /// Puts health and reflection beside a service's routes.
    pub fn beside(&self, routes: Routes) -> Routes {
        routes
            .add_service(self.health.service())
            .add_service(self.reflection.v1())
            .add_service(self.reflection.v1alpha())
    }

    /// Says who may call the methods of `packages`, and those of [`Platform::beside`].
    pub fn policies(&self, packages: &[&str], metrics: &Metrics) -> Policies {
        policies::of_packages(&self.pool, packages, metrics)
    }
}
