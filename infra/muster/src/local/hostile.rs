//! Names that were made to do harm where they are shown: whoever may name an account or a unit chooses them.

use local_aws::Aws;

const NAMES: [&str; 6] = [
    "<img src=x onerror=window.__pwned=1>",
    "</script><script>window.__pwned=1</script>",
    "javascript:window.__pwned=1",
    "\"><svg onload=window.__pwned=1>",
    "prod\u{202e}gnp.exe",
    "' onmouseover='window.__pwned=1",
];
/// Characters of a name that is only long.
const LONG: usize = 2_000;

/// Gives every account and unit such a name.
pub(crate) fn rename(aws: &Aws) {
    let names: Vec<String> = NAMES.map(str::to_owned).into_iter().chain(["n".repeat(LONG)]).collect();
    aws.change(|_, organization| {
        for (unit, name) in organization.units.iter_mut().zip(names.iter().cycle()) {
            unit.name.clone_from(name);
        }
        for (account, name) in organization.accounts.iter_mut().zip(names.iter().cycle()) {
            account.name.clone_from(name);
        }
    });
}
