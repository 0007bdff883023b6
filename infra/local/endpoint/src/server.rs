//! An HTTP server on a loopback address.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local_aws::wire::{Body, Disconnected};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

/// A server that ends, with its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `answer` at 127.0.0.1 and `port`; 0 takes any that is free. An answer that is an error
/// closes the connection.
pub(crate) async fn serve<F, A>(port: u16, answer: F) -> std::io::Result<Server>
where
    F: Fn(http::Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<http::Response<Body>, Disconnected>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        // Dropped with this task, and the connections with it.
        let mut connections = JoinSet::new();
        loop {
            // One connection that fails is no reason to end the others.
            let Ok((stream, _)) = listener.accept().await else { continue };
            // Answers are small and awaited: never hold one back for more.
            let _ = stream.set_nodelay(true);
            let answer = answer.clone();
            connections.spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(answer))
                    .await;
                if let Err(error) = connection {
                    tracing::debug!(%error, "a connection ended");
                }
            });
            while connections.try_join_next().is_some() {}
        }
    });
    Ok(Server { address, task: task.abort_handle() })
}
