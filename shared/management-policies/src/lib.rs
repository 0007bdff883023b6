//! The syntax and the inheritance of two types of management policies of AWS Organizations: EC2
//! policies (`DECLARATIVE_POLICY_EC2`) and tag policies (`TAG_POLICY`).
//!
//! Nothing here calls AWS. [`check`] tells what is wrong with a content before AWS is asked to store
//! it. [`Levels`] are the policies that apply to one account, from the root down to the account, and
//! [`Levels::effective`] merges them as AWS does.
//!
//! **Missing evidence is never a conclusion.** Where AWS's documentation does not say what comes out,
//! an attribute is [`Attribute::Unknown`], with every value that is possible and the policies that
//! cause the doubt. What AWS tells of the present effective policy can settle such a doubt:
//! [`compare`], [`Effective::settled_by`], and [`predict`] for a planned change.
//!
//! What is established, by AWS's user guide:
//!
//! - Policies merge from the root to the account. `@@assign` replaces, `@@append` adds, `@@remove`
//!   takes away. <https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html>
//! - A child control limits the policies at lower levels, not those beside it. Child controls of one
//!   level intersect, and none gives back what one above took.
//!   <https://docs.aws.amazon.com/organizations/latest/userguide/inheritance-examples.html>
//!
//! What is not, and therefore unknown here:
//!
//! - What policies at one level come to where the order in which they were attached matters. The
//!   guide says that the order decides, but the API does not tell it ([`Reason::OrderAtOneLevel`]).
//! - Whether a child control at a group of settings limits the settings inside
//!   ([`Reason::ControlOfGroup`]).
//! - How a list is told that `@@remove` left empty, where an empty list and no list do not mean the
//!   same ([`Reason::EmptiedList`]).
//!
//! Modules: [`json`] reads without losing anything, [`syntax`] checks, [`document`] keeps what of a
//! policy takes part in merging, [`inheritance`] merges, [`told`] compares with what AWS tells, [`reported`]
//! reads what the declarative policies report says.

mod difference;
mod document;
mod effective;
mod inheritance;
mod json;
mod kind;
mod operators;
mod pointer;
mod problem;
mod reported;
mod syntax;
mod told;
mod validity;
mod value;

pub use difference::{AttributeChange, difference};
pub use document::Document;
pub use effective::{Attribute, Because, Candidate, Effective, Reason, Unknown};
pub use inheritance::{Attached, Level, Levels, LevelsError, predict};
pub use kind::PolicyKind;
pub use problem::{MAX_PROBLEMS, Problem, ProblemKind};
pub use reported::{reported_names, reported_setting, reported_value};
pub use syntax::{check, check_allowing_not_established, spelled, value_of};
pub use told::{Agreement, Disagreement, compare};
pub use validity::problems;
pub use value::{Scalar, SettingValue};
