//! The organization as an inventory found it, for whoever plans from it: lines of JSON in S3.

use std::collections::BTreeMap;

use errors::JobError;
use models::{AccountId, OrganizationalUnitId, PolicyId, TargetId};
use serde::{Deserialize, Serialize};
use store::Store;

use crate::{Account, Description, Policy, Root, Unit};

/// One line of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Line {
    Organization(Description),
    Root(Root),
    Unit(PlacedUnit),
    Account(PlacedAccount),
    Policy(AttachedPolicy),
}

/// A unit and where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedUnit {
    pub unit: Unit,
    /// From the organization to the unit itself, ended by a slash.
    pub path: String,
}

/// An account, where it lies, and its tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedAccount {
    pub account: Account,
    /// From the organization to the account itself, ended by a slash; absent where nothing could tell.
    pub path: Option<String>,
    /// Absent where they were not read, or could not be.
    pub tags: Option<BTreeMap<String, String>>,
}

/// A policy and where it is attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedPolicy {
    pub policy: Policy,
    /// Absent where that could not be read.
    pub targets: Option<Vec<TargetId>>,
}

/// A snapshot, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub organization: Description,
    pub root: Root,
    pub units: BTreeMap<OrganizationalUnitId, PlacedUnit>,
    pub accounts: BTreeMap<AccountId, PlacedAccount>,
    pub policies: BTreeMap<PolicyId, AttachedPolicy>,
}

impl Snapshot {
    /// Reads what an inventory left under `key`.
    pub async fn read(store: &Store, key: &str) -> Result<Self, JobError> {
        let (mut organization, mut root) = (None, None);
        let (mut units, mut accounts, mut policies) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut lines = store.lines(key, None).await?;
        while let Some(line) = lines.next().await? {
            match line {
                Line::Organization(it) => organization = Some(it),
                Line::Root(it) => root = Some(it),
                Line::Unit(it) => drop(units.insert(it.unit.id.clone(), it)),
                Line::Account(it) => drop(accounts.insert(it.account.id.clone(), it)),
                Line::Policy(it) => drop(policies.insert(it.policy.id.clone(), it)),
            }
        }
        match (organization, root) {
            (Some(organization), Some(root)) => Ok(Self { organization, root, units, accounts, policies }),
            _ => Err(JobError::defect(format!("{key} names no organization or no root"))),
        }
    }
}
