//! The tool as a process, with the environment that it is given and nothing else.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take before the test fails. Nothing takes so long, unless another build holds
/// cargo's lock.
const LIMIT: Duration = Duration::from_secs(900);

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The run that a text says how to resume, with what is to be retried.
pub(crate) fn resumable(text: &str, retry: &str) -> String {
    let (_, rest) = text.split_once("cargo muster resume ").unwrap_or_else(|| panic!("{text}"));
    let (run, options) = rest.split_once(' ').unwrap();
    assert!(options.starts_with(&format!("--retry {retry} --stack muster")), "{options}");
    run.to_owned()
}

/// A row of what is shown, by its name: of the result, or of an estimate.
pub(crate) fn row<'a>(shown: &'a str, name: &str) -> &'a str {
    let begin = format!("  {name:<11} ");
    shown.lines().find_map(|line| line.strip_prefix(&begin)).unwrap_or_else(|| panic!("no {name}: {shown}"))
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// What was printed by a command that succeeded.
    pub(crate) fn succeeded(self) -> String {
        assert!(self.status.success(), "{self:#?}");
        self.out
    }

    /// What was complained of by a command that failed.
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.status.code(), Some(1), "{self:#?}");
        self.err
    }
}

/// A command that runs. It is ended with this value, also when an assertion fails.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    fn printed(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap()
    }

    pub(crate) fn ended(mut self, what: &str) -> Ended {
        let status = until(what, || self.child.try_wait().unwrap());
        Ended { status, out: self.printed(), err: std::fs::read_to_string(&self.err).unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The variables of a command.
pub(crate) type Variables = Vec<(String, String)>;

/// Builds the functions' binaries, which takes longer than a command may; with what the tool then needs
/// to find them built.
pub(crate) fn built_binaries() -> Variables {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(local_endpoint::binaries::build(root)).unwrap();
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let homes = [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")];
    let homes = homes.map(|(name, folder)| (name.to_owned(), home.join(folder).display().to_string()));
    let given = |name: &str| name == "PATH" || name.starts_with("CARGO") || name.starts_with("RUST");
    homes.into_iter().chain(std::env::vars().filter(|(name, _)| given(name))).collect()
}

/// A folder to work in, and the tool.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    commands: Cell<u32>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), commands: Cell::new(0) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn start(&self, arguments: &[&str], variables: &Variables) -> Running {
        let number = self.commands.replace(self.commands.get() + 1);
        let file = |name: &str| self.path(&format!("{number}.{name}"));
        let (out, err) = (file("out"), file("err"));
        let to = |path: &Path| Stdio::from(std::fs::File::create(path).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_muster"))
            .args(arguments)
            .current_dir(self.folder.path())
            // Neither a profile nor a variable of whoever runs the tests leads anywhere else.
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(to(&out))
            .stderr(to(&err))
            .spawn()
            .unwrap();
        Running { child, out, err }
    }

    pub(crate) fn muster(&self, arguments: &[&str], variables: &Variables) -> Ended {
        self.start(arguments, variables).ended(&arguments.join(" "))
    }
}

/// A simulated AWS that `muster up` serves, on a port that is free.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) place: Place,
    /// What `muster up` says to export.
    pub(crate) exported: Variables,
    pub(crate) endpoint: String,
    _up: Running,
}

impl Served {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let place = Place::new();
        let mut up = place.start(&[&["up", "--port", "0"], arguments].concat(), &Variables::new());
        let printed = until("muster up", || {
            let ended = up.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", std::fs::read_to_string(&up.err).unwrap());
            Some(up.printed()).filter(|printed| printed.contains("Ctrl-C."))
        });
        let exported: Variables = printed
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let endpoint = exported.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").unwrap().1.clone();
        assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
        Self { place, exported, endpoint, _up: up }
    }

    /// Starts a command with what is exported, as with the credentials of an account.
    pub(crate) fn start_at_stack(&self, arguments: &[&str]) -> Running {
        self.place.start(&[arguments, &["--stack", "muster"]].concat(), &self.exported)
    }

    /// The path to AWS: CloudFormation, Step Functions and S3 by their own APIs.
    pub(crate) fn at_stack(&self, arguments: &[&str]) -> Ended {
        self.start_at_stack(arguments).ended(&arguments.join(" "))
    }

    /// The same stack by its address, with variables that lead nowhere.
    pub(crate) fn at_endpoint(&self, arguments: &[&str]) -> Ended {
        let nowhere = vec![("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:9".to_owned())];
        self.place.muster(&[arguments, &["--endpoint", &self.endpoint]].concat(), &nowhere)
    }
}
