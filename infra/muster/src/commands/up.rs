//! `muster up`: the simulated AWS behind one address.

use local_aws::iam::Credentials;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Up;
use crate::local::{self, Local, Pace};
use crate::{Done, Problem, view};

/// Simulated seconds in a real one, unless the arguments say otherwise: a minute in a second.
const SPEED: f64 = 60.0;

pub(crate) fn main(arguments: &Up) -> Done {
    let simulation = &arguments.simulation;
    local::runtime(simulation, Pace::Steady)?.block_on(async {
        let local = Local::start(simulation, Pace::Steady, SPEED, Some(arguments.port)).await?;
        let endpoint = local.endpoint.as_ref().map(local_endpoint::Endpoint::url).unwrap_or_default();
        let Credentials { access_key_id, secret_access_key } = Credentials::administrator();
        let machine = local.stack.output(crate::client::REPORT_MACHINE);
        view::say(&format!(
            "The stack {stack} is deployed in a simulated AWS, which nothing but this machine reaches.\n\n\
             export AWS_ENDPOINT_URL={endpoint}\n\
             export AWS_ACCESS_KEY_ID={access_key_id}\n\
             export AWS_SECRET_ACCESS_KEY={secret_access_key}\n\
             export AWS_REGION={region}\n\
             export AWS_DEFAULT_REGION={region}\n\n\
             aws stepfunctions start-execution --state-machine-arn {machine}\n\
             cargo muster status\n\n\
             Objects of its buckets are files in {out}. End it with Ctrl-C.",
            stack = local::STACK,
            region = local::REGION,
            out = simulation.out.display(),
        ));
        ended().await.map_err(|error| Problem::other(error.to_string()))
    })
}

/// Waits for Ctrl-C, or to be told to end: the functions' processes end with this one only when it
/// ends by itself.
async fn ended() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
