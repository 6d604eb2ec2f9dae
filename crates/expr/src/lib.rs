#![doc = include_str!("../README.md")]

mod arithmetic;
mod around;
mod cel;
mod chain;
mod claims;
mod evaluate;
mod filter;
mod float;
mod fold;
mod ir;
mod look;
mod order;
mod problem;
mod program;
pub mod re2;
mod row;
mod schema;
mod scope;
mod suggest;
mod target;
mod walk;

pub use arithmetic::{ArithmeticOp, GREATEST, LEAST, Numbers};
pub use around::{Around, Known};
pub use cel::{
    Conjunct, Element, Given, MAX_NESTED_QUANTIFIERS, MAX_PREDICATE_CHAIN, MAX_QUANTIFIERS, MAX_RULE_BYTES,
    MAX_RULE_DEPTH, MAX_RULE_NODES, MAX_RULE_PUNCTUATION, PredicateSource, Predicates, RuleScope, Said, Wanted,
    compile_conjuncts, compile_constraint, compile_default, compile_predefined, compile_predicates, compile_rule,
    compile_value,
};
pub use chain::{ways, whole_climb};
pub use claims::{AuthName, CLAIMS, Claim};
pub use evaluate::{evaluate, evaluate_value};
pub use filter::{MAX_DEPTH, MAX_FILTER_BYTES, MAX_FILTER_HOPS, MAX_NODES, compile_filter};
pub use fold::fold;
pub use ir::{Climb, CompareOp, Expr, MAX_CLIMB, Measure, Over, TextOp, kind_of, shift_time};
pub use order::{MAX_ORDER_BYTES, MAX_ORDER_KEYS, OrderKey, compile_order};
pub use problem::{Problem, ProblemKind};
pub use program::{AtomValues, MAX_ATOMS, Program, Split};
pub use row::{Link, Relation, Root, Row};
pub use schema::{Child, EnumType, Field, LinkTo, MapKey, RecordType, Referred, Storage, Type, account_template};
pub use scope::{AuthView, Scope};
pub use suggest::{listed, nearest, suggest};
pub use target::MAX_HOPS;
