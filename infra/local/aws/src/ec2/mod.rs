//! The declarative policies report of EC2: its four operations, its lifecycle, and its CSV.

mod api;
mod csv;
mod given;
mod reports;
mod summary;

pub(crate) use api::{Ec2, call};
pub use csv::{CsvOptions, write as write_csv};
pub use given::Given;
pub(crate) use reports::Accepted;
pub use reports::{Report, Reports, Status};
