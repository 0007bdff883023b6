//! The SDK's configuration, the same for every client, and its times.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls;
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use jiff::Timestamp;

/// Attempts at a call that has no effect of its own, or one that repeats safely.
pub const ATTEMPTS: u32 = 3;

/// Retries of the SDK: few, because the state machine repeats the step with backoff of its own.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS)
}

/// Bounds on every call, so that a dead connection costs seconds and not the invocation.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(30))
        .operation_attempt_timeout(Duration::from_secs(60))
        .build()
}

/// The configuration from the process's environment (credentials, Region, endpoints).
pub async fn sdk_config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(retries())
        .timeout_config(timeouts())
        .load()
        .await
}

/// A time that AWS answered; `None` for one outside the years -9999 to 9999.
pub fn time(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(at.as_nanos()).ok()
}
