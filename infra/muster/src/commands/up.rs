//! `muster up`: the simulated AWS behind one address.

use std::collections::BTreeMap;

use local_aws::iam::Credentials;
use local_aws::lambda::FunctionConfig;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{ENDPOINT, Up};
use crate::kinds::KINDS;
use crate::local::{self, Local, Pace};
use crate::{Done, Problem, view};

/// Simulated seconds in a real one, unless the arguments say otherwise: a minute in a second.
const SPEED: f64 = 60.0;

pub(crate) fn main(arguments: &Up) -> Done {
    let simulation = &arguments.simulation;
    local::runtime(simulation, Pace::Steady)?.block_on(async {
        let local = Local::start(simulation, Pace::Steady, SPEED, Some(arguments.port)).await?;
        let url = local.endpoint.as_ref().map(local_endpoint::Endpoint::url).unwrap_or_default();
        let caller = caller(url.clone());
        if let Some(path) = &arguments.env_file {
            let functions = local.stack.aws.lambda().functions();
            let variables = variables(functions.iter().map(AsRef::as_ref))?;
            let lines = caller.iter().map(|(name, value)| (*name, value.as_str())).chain(variables);
            // In quotes, for some hold a `=` themselves.
            let text: String = lines.map(|(name, value)| format!("{name}='{value}'\n")).collect();
            std::fs::write(path, text).map_err(Problem::file(path))?;
        }
        let exports: String = caller.iter().map(|(name, value)| format!("export {name}={value}\n")).collect();
        let machines: String = KINDS
            .iter()
            .filter_map(|known| local.stack.resolved.outputs.get(known.machine))
            .map(|arn| format!("aws stepfunctions start-execution --state-machine-arn {arn}\n"))
            .collect();
        view::say(&format!(
            "The stack {stack} is deployed in a simulated AWS, which nothing but this machine reaches.\n\n\
             {exports}\n\
             {machines}\
             cargo muster status{at}\n\n\
             Objects of its buckets are files in {out}. End it with Ctrl-C.",
            stack = local::STACK,
            at = at(&url),
            out = simulation.out.display(),
        ));
        ended().await.map_err(|error| Problem::other(error.to_string()))
    })
}

/// How a command finds this AWS, where it does not look by itself.
fn at(url: &str) -> String {
    if url == ENDPOINT { String::new() } else { format!(" --endpoint {url}") }
}

/// What an SDK or the AWS CLI needs to call this AWS. The CLI's first version and boto3 read the
/// Region's older name only.
fn caller(endpoint: String) -> [(&'static str, String); 5] {
    let Credentials { access_key_id, secret_access_key } = Credentials::administrator();
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", access_key_id),
        ("AWS_SECRET_ACCESS_KEY", secret_access_key),
        ("AWS_REGION", local::REGION.to_owned()),
        ("AWS_DEFAULT_REGION", local::REGION.to_owned()),
    ]
}

/// The variables of all functions together. An empty one is its default, and is left out.
fn variables<'a>(functions: impl Iterator<Item = &'a FunctionConfig>) -> Done<BTreeMap<&'a str, &'a str>> {
    let mut variables = BTreeMap::new();
    for (name, value) in functions.flat_map(|function| &function.environment) {
        if value.is_empty() {
            continue;
        }
        let other = variables.insert(name.as_str(), value.as_str()).filter(|other| other != value);
        if let Some(other) = other {
            return Err(Problem::other(format!(
                "{name} is {value} for one function and {other} for another: one file cannot hold both"
            )));
        }
    }
    Ok(variables)
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
