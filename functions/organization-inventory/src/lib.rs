//! The organization, read once and whole: accounts, units, policies and where they are attached,
//! requests for accounts, and what the policies come to in every account. Other kinds plan from it.
//!
//! Organizations answers each operation at a rate of its own, so what is read with different
//! operations is read side by side, in lanes:
//!
//! | lane | items | reads |
//! |---|---|---|
//! | `accounts` | `accounts` | ListAccounts |
//! | `tags` | `tags` | ListTagsForResource of each account |
//! | `structure` | `structure`, `account-parents` | the organization, its root, its units; ListChildren for accounts that do not tell where they lie |
//! | `policies` | one for each type | ListPolicies; DescribePolicy and ListTargetsForPolicy of each |
//! | `account-requests` | `account-requests` | ListCreateAccountStatus |
//! | `effective-policies` | one for each type that is enabled | DescribeEffectivePolicy, once others have what it needs |
//!
//! * [`Request`]: what can be asked for.
//! * [`lanes`]: what each lane reads; [`entry`]: what it leaves.
//! * [`policies`]: policies put together; [`tree`]: where everything lies; [`classes`]: accounts in which policies come to the same.
//! * [`tables`]: what is published.

mod classes;
mod config;
mod entry;
mod estimate;
mod gather;
mod inventory;
mod lanes;
mod policies;
mod request;
mod tables;
mod tree;

pub use config::VARIABLES;
pub use inventory::OrganizationInventory;
pub use request::{EffectivePolicies, Request, Target};
pub use tables::TABLES;
