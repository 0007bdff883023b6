//! The plain types every part of Muster shares. Reading order:
//!
//! 1. [`id`]: identifiers that cannot hold a bad value (an account id, a Region, a run id).
//! 2. [`ticket`]: what travels through a state machine while a job runs.
//! 3. [`record`]: what S3 remembers of the same job, and its one [`record::Outcome`].
//! 4. [`lane`]: the same for a run whose items are worked through side by side.
//! 5. [`failure`]: the stable error names, and a failure as it is recorded.
//! 6. [`coverage`]: how much of the evidence is there; the only source of a [`coverage::Complete`].
//! 7. [`digest`]: SHA-256 of bytes and of documents.
//! 8. [`keys`]: where in the bucket all of it lies.
//!
//! Nothing here calls AWS. Parsing validates, so code past the edge cannot hold a malformed value.

pub mod coverage;
pub mod digest;
pub mod failure;
pub mod id;
pub mod keys;
pub mod lane;
pub mod member_role;
pub mod record;
pub mod ticket;

pub use coverage::{Complete, Coverage};
pub use failure::{AwsDetail, ErrorName, Failure};
pub use id::{
    AccountId, AccountRequestId, BucketName, InvalidId, ItemName, KeyPrefix, OrganizationId,
    OrganizationalUnitId, Partition, PolicyId, Region, ReportId, RoleArn, RootId, RunId, TargetId,
};
pub use lane::{
    AddedItems, ItemOutcome, LaneLine, LaneNext, LanePart, LaneRecord, LaneTicket, Plan, PlannedLane,
};
pub use member_role::MemberRole;
pub use record::{Claim, JobRecord, Outcome, OutcomeStatus, Phase};
pub use ticket::{Kind, LaneList, Next, Request, Ticket, WaitingFor};
