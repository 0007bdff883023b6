//! Every service behind one address.

use local_aws::wire::Body;
use local_aws::{Aws, WeakAws};

use crate::server::{Server, serve};

/// A simulated AWS at a TCP address, until it is dropped.
#[derive(Debug)]
pub struct Endpoint(Server);

impl Endpoint {
    /// Serves `aws` at 127.0.0.1 and `port`; 0 takes any that is free.
    pub async fn bind(aws: &Aws, port: u16) -> std::io::Result<Self> {
        let weak: WeakAws = aws.downgrade();
        let server = serve(port, move |request| {
            let weak = weak.clone();
            async move {
                let aws = weak.upgrade().ok_or(local_aws::wire::Disconnected)?;
                aws.call(request.map(Body::http_body_unsync)).await
            }
        });
        Ok(Self(server.await?))
    }

    /// What `AWS_ENDPOINT_URL` is set to. An address and no name, so that S3 puts buckets in the path.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }
}
