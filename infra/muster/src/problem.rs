//! Why a command did not do what was asked.

use std::path::{Path, PathBuf};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use errors::{AwsError, JobError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// AWS refused a call, or did not answer.
    #[error("{0}")]
    Aws(Box<JobError>),
    /// A run that ended without success; its text is the execution's own.
    #[error("the run ended as {status}: {error}: {cause}{next}")]
    Run { status: String, error: String, cause: String, next: String },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Other(String),
}

impl Problem {
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// The error of an SDK call of `operation` (`service:Operation`).
    pub(crate) fn aws<E>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        move |error| Self::Aws(Box::new(AwsError::new(operation, &error).into_job_error()))
    }
}
