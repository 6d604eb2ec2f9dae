//! What is decided once, when a contract is loaded: statements, codecs, rules, field lists. A request only looks up.

mod bounded;
mod compiled;
mod compiled_lists;
mod cost;
mod dependents;
mod due;
mod fields;
pub mod guard;
mod inside;
mod kept;
mod lane;
mod lists;
mod reads;
mod recent;
mod relations;
mod resource;
mod same;
mod sight;
mod snapshot;
mod transitions;

pub use bounded::ORDERED_CHARS;
pub use compiled::{Compiled, MAX_CACHED_SHAPES, Shapes};
pub use compiled_lists::{ListPlan, MAX_LIST_PLANS, Shape};
pub use dependents::{By, Dependent};
pub use due::Due;
pub use fields::{Fields, unset};
pub use guard::{Ask, Guard, Refusal, Verdict};
pub use lane::{MAX_INLINE_ROWS, lane_for};
pub use lists::{Position, QueryError, position_values};
pub use reads::Readable;
pub use relations::Relations;
pub use resource::ResourcePlan;
pub use same::{canonical as canonical_json, same_value};
pub use sight::{FieldRule, FieldRules, Hidden, Seen, Sight};
pub use snapshot::{FormerNames, Snapshot};
pub use transitions::TransitionPlan;
