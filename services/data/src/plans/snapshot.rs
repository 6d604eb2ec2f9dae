//! One revision of the contract, compiled for one engine. Immutable: a new revision is a new snapshot.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use mainstay_contract::{Contract, Method, Model, Shape, Verb, aliases, classed};
use mainstay_identity::Principal;
use mainstay_sql::Dialect;
use mainstay_wire::{PlanError, Plans};
use prost_reflect::DescriptorPool;

use super::compiled::Shapes;
use super::kept::connect;
use super::relations::Relations;
use super::resource::ResourcePlan;
use super::{leads, serial};
use crate::rights::Caller;

/// Everything that a request needs of the contract.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts the applied contracts; 0 before the first.
    pub revision: i64,
    /// When the revision was applied, microseconds since 1970 UTC.
    pub applied_at: i64,
    pub contract: Model,
    resources: Vec<Arc<ResourcePlan>>,
    methods: HashMap<String, Shape, RandomState>,
    /// Made when the first text of JSON is to be read.
    json: OnceLock<Arc<Plans>>,
}

/// What a method of an earlier revision was.
#[derive(Debug)]
struct FormerMethod {
    type_name: String,
    verb: Verb,
    /// The name by which a transition is known, whichever place it has.
    transition: Option<String>,
}

/// What the methods of an earlier revision were called: callers who have not heard of the newest yet use its names. A
/// resource is told by its type, which it keeps for ever.
#[derive(Debug)]
pub struct FormerNames {
    pub revision: i64,
    methods: HashMap<String, FormerMethod>,
    /// The packages of Commits.
    commits: HashMap<String, String>,
}

impl FormerNames {
    /// Collects the names of a contract.
    pub fn of(contract: &Model, revision: i64) -> FormerNames {
        let methods = contract.methods.iter().filter_map(|method| match method.shape {
            Shape::Resource { verb, resource } => {
                let own = &contract.resources[resource];
                let transition = match verb {
                    Verb::Transition(which) => Some(own.transitions.get(usize::from(which))?.name.clone()),
                    _ => None,
                };
                Some((method.path.clone(), FormerMethod { type_name: own.type_name.clone(), verb, transition }))
            }
            Shape::Commit { .. } | Shape::Own => None,
        });
        let commits = contract.commits.iter().map(|commit| (commit.path.clone(), commit.package.clone()));
        FormerNames { revision, methods: methods.collect(), commits: commits.collect() }
    }

    /// Finds what a path meant then in a snapshot of now.
    pub fn method(&self, path: &str, now: &Snapshot) -> Option<Shape> {
        if let Some(package) = self.commits.get(path) {
            let commit = now.contract.commits.iter().position(|commit| commit.package == *package)?;
            return Some(Shape::Commit { commit });
        }
        let FormerMethod { type_name, verb, transition } = self.methods.get(path)?;
        let resource = now.resources.iter().position(|plan| plan.resource.type_name == *type_name)?;
        let verb = match transition {
            Some(name) => {
                let which = now.resources[resource].resource.transitions.iter().position(|own| own.name == *name)?;
                Verb::Transition(u16::try_from(which).ok()?)
            }
            None => *verb,
        };
        let wanted = Shape::Resource { verb, resource };
        now.methods.values().any(|shape| *shape == wanted).then_some(wanted)
    }
}

impl Snapshot {
    /// Compiles a contract whose names were bound by the ledger.
    pub fn new(contract: Contract, revision: i64, applied_at: i64, dialect: Dialect) -> Result<Snapshot, PlanError> {
        let shapes = Arc::new(Shapes::default());
        let relations = Arc::new(Relations::of(&contract));
        let mut resources = (0..contract.resources.len())
            .map(|number| ResourcePlan::new(number, &contract, dialect, &shapes, &relations))
            .collect::<Result<Vec<_>, _>>()?;
        connect(&mut resources);
        leads::connect(&mut resources);
        serial::connect(&mut resources);
        let methods = contract.methods.iter().map(|method| (method.path.clone(), method.shape)).collect();
        let resources = resources.into_iter().map(Arc::new).collect();
        // The descriptors go here: what is made of them is far smaller.
        let Contract { model: contract, .. } = contract;
        Ok(Snapshot { revision, applied_at, contract, resources, methods, json: OnceLock::new() })
    }

    /// Finds what a gRPC path (`/shop.v1.ProductService/GetProduct`) does.
    pub fn method(&self, path: &str) -> Option<Shape> {
        self.methods.get(path).copied()
    }

    /// The methods by which somebody who is not signed in can do anything at all.
    pub fn open_methods(&self) -> impl Iterator<Item = &str> {
        let nobody = Caller::without_roles(Principal::anonymous(), 0);
        let open = move |method: &&Method| self.is_open(method.shape, &nobody);
        self.contract.methods.iter().filter(open).map(|method| method.path.as_str())
    }

    fn is_open(&self, shape: Shape, caller: &Caller) -> bool {
        match shape {
            Shape::Resource { verb, resource } => self.resources[resource].is_open(verb, caller),
            // It names what it writes: who sees it sees them all.
            Shape::Commit { commit } => self.contract.commits[commit]
                .operations
                .iter()
                .all(|operation| self.resources[operation.resource].is_open(operation.verb, caller)),
            Shape::Own => false,
        }
    }

    /// The plans that read and write JSON.
    pub fn json(&self) -> &Arc<Plans> {
        self.json.get_or_init(|| {
            let pool = self.contract.link().unwrap_or_else(|error| {
                tracing::error!(
                    error = &error as &(dyn Error + 'static),
                    "the descriptors of the contract do not link"
                );
                DescriptorPool::new()
            });
            Plans::of(&pool, &|message| aliases(&pool, message), &|message| classed(&pool, message))
        })
    }

    /// The compiled resource at this index of `Contract::resources`.
    pub fn resource(&self, index: usize) -> &Arc<ResourcePlan> {
        &self.resources[index]
    }

    /// All compiled resources, in the order of the contract.
    pub fn resources(&self) -> &[Arc<ResourcePlan>] {
        &self.resources
    }
}
