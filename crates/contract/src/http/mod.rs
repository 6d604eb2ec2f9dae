//! HTTP routes and the grammar of their templates. The contract is checked by it when it is loaded, and the gateway follows
//! it.

mod route;
mod template;

pub use route::{Route, Rule, routes, rules};
pub use template::{MAX_TEMPLATE_SEGMENTS, Segment, Template, TemplateError, Variable};
