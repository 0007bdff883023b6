//! AWS as the tests of the calls tell it.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;

/// What a throttle asks for, in seconds.
pub(crate) const RETRY_AFTER: &str = "7";

/// Answers one after the other, and keeps what was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Canned {
    answers: Arc<Mutex<Vec<(u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// The parameters of each call, decoded.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|it| percent_encoding::percent_decode_str(it).decode_utf8().unwrap().into())
            .collect()
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        self.asked.lock().unwrap().push(body);
        let (status, text) = self.answers.lock().unwrap().remove(0);
        let mut answer = http::Response::builder().status(status).header("x-amzn-requestid", "r-1");
        if status == 429 {
            answer = answer.header("Retry-After", RETRY_AFTER);
        }
        let answer = answer.body(SdkBody::from(text)).unwrap();
        let answer = HttpResponse::try_from(answer).map_err(|error| ConnectorError::user(error.into()));
        HttpConnectorFuture::ready(answer)
    }
}

/// The configuration of a caller who is given these answers.
pub(crate) fn config(answers: Vec<(u16, String)>) -> (SdkConfig, Canned) {
    let canned = Canned { answers: Arc::new(Mutex::new(answers)), ..Canned::default() };
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .http_client(canned.clone())
        .build();
    (config, canned)
}
