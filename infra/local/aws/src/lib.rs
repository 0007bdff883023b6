//! A simulated AWS organization, and the APIs that Muster calls, over their real wire protocols.
//!
//! No emulator implements these jobs: elsewhere no CSV ever appears and lifecycles are stubs. This
//! one follows AWS's service models and documentation; where AWS documents nothing, its behaviour is
//! a [switch](settings::Settings), never a fact.
//!
//! * [`aws`]: the whole: who calls, what is answered, what goes wrong on request.
//! * [`organization`], [`ec2`], [`access_analyzer`], [`access_reports`], [`iam_accounts`], [`s3`], [`lambda`],
//!   [`events`], [`cloudformation`]: the services.
//! * [`principals`]: the roles and users of every account; [`mod@services`]: what they use.
//! * [`iam`]: callers, policies, dependent permissions; roles are taken on through STS.
//! * [`faults`]: throttles, lost answers, crashes, stops.
//! * [`connector`]: an SDK's calls, answered in process.

pub mod access_analyzer;
pub mod access_reports;
pub mod aws;
pub mod cloudformation;
pub mod connector;
pub mod ec2;
pub mod events;
pub mod faults;
pub mod iam;
pub mod iam_accounts;
mod ids;
pub mod lambda;
mod markers;
pub mod organization;
pub mod principals;
pub mod s3;
pub mod services;
pub mod settings;
mod sts;
pub mod throttle;
pub mod wire;

pub use aws::{Aws, Call, Use, WeakAws};
pub use faults::{Fault, FaultRule};
pub use settings::Settings;
