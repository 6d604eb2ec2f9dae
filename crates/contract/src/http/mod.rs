//! HTTP routes: the grammar of their templates, and what the platform keeps for itself. The contract is checked by it when
//! it is loaded, and the gateway follows it.

mod route;
mod template;

pub use route::{Route, Rule, routes, rules};
pub use template::{MAX_TEMPLATE_SEGMENTS, Segment, Template, TemplateError, Variable};

/// First segments of paths that Mainstay answers itself; an application's routes and packages do not begin with them.
pub const RESERVED_ROOTS: [&str; 9] =
    ["auth", "data", "gateway", "docs", "healthz", "readyz", "metrics", ".well-known", "contract.binpb"];
