//! An SDK's HTTP client that is answered in this process.

use std::time::SystemTime;

use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::StalledStreamProtectionConfig;
use local_clock::Clock;

use crate::aws::{Aws, WeakAws};
use crate::iam::Credentials;

/// A client of one simulated AWS.
#[derive(Debug, Clone)]
struct InProcess(WeakAws);

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = self.0.upgrade();
        HttpConnectorFuture::new(async move {
            let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
            let aws = aws.ok_or_else(|| user("the simulated AWS has ended".into()))?;
            let mut request = request.try_into_http1x().map_err(|error| user(error.into()))?;
            if !request.headers().contains_key(http::header::HOST)
                && let Some(host) =
                    request.uri().authority().and_then(|it| http::HeaderValue::from_str(it.as_str()).ok())
            {
                request.headers_mut().insert(http::header::HOST, host);
            }
            let request = request.map(|body| match body.bytes() {
                Some(bytes) => s3s::Body::from(bytes::Bytes::copy_from_slice(bytes)),
                None => s3s::Body::http_body_unsync(body),
            });
            match aws.call(request).await {
                Ok(response) => Response::try_from(response.map(SdkBody::from_body_1_x))
                    .map_err(|error| user(error.into())),
                Err(disconnected) => Err(ConnectorError::io(disconnected.into())),
            }
        })
    }
}

#[derive(Debug)]
struct SimulatedTime(Clock);

impl TimeSource for SimulatedTime {
    fn now(&self) -> SystemTime {
        SystemTime::from(self.0.now())
    }
}

/// What SDK clients are built from to call `aws` in this process, on its clock.
pub fn sdk_config(
    aws: &Aws,
    credentials: &Credentials,
    retries: RetryConfig,
    timeouts: TimeoutConfig,
) -> SdkConfig {
    let credentials = SdkCredentials::new(
        &credentials.access_key_id,
        &credentials.secret_access_key,
        None,
        None,
        "local-aws",
    );
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(aws.region().to_owned()))
        // An address and no name, so that S3 puts buckets in the path.
        .endpoint_url("http://127.0.0.1")
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(InProcess(aws.downgrade()))
        .sleep_impl(TokioSleep::new())
        .time_source(SharedTimeSource::new(SimulatedTime(aws.clock().clone())))
        .retry_config(retries)
        .timeout_config(timeouts)
        // A simulated service may take minutes of its own time to answer.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}
