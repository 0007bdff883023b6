//! A batch of accounts, checked whole before the first call. Every problem is told at once, and none with
//! the address it is about.

use std::collections::BTreeMap;

use errors::JobError;
use models::TargetId;

use crate::wished::Wished;

/// The most accounts of one run: they take a day.
pub(crate) const MOST: usize = 1_000;
/// Problems that are told; of more, how many.
const TOLD: usize = 20;
/// AWS's quota of tags, less those that say whose the account is.
const MOST_TAGS: usize = 50 - 2;
const TAG_KEY: usize = 128;
const TAG_VALUE: usize = 256;
/// The beginning of role names that are AWS's own.
const RESERVED_ROLE: &str = "AWSServiceRoleFor";

/// Problems, as many as are told.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    told: Vec<String>,
    count: usize,
}

impl Problems {
    pub(crate) fn add(&mut self, problem: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(problem());
        }
    }

    /// The error that they come to, if there are any.
    pub(crate) fn into_result(self) -> Result<(), JobError> {
        if self.count == 0 {
            return Ok(());
        }
        let mut text = self.told.join("; ");
        if self.count > self.told.len() {
            text.push_str(&format!("; and {} more", self.count - self.told.len()));
        }
        Err(JobError::invalid(format!(
            "the batch of accounts is not accepted, nothing was asked for: {text}"
        )))
    }
}

/// Checks a batch; `place` says where one of its accounts is to be found.
pub(crate) fn check(accounts: &[Wished], place: impl Fn(usize) -> String) -> Result<(), JobError> {
    let mut problems = Problems::default();
    if accounts.is_empty() || accounts.len() > MOST {
        problems.add(|| format!("it has {} accounts, and 1 to {MOST} can be asked for", accounts.len()));
    }
    let (mut emails, mut names) = (BTreeMap::new(), BTreeMap::new());
    for (number, account) in accounts.iter().enumerate() {
        let mut problem = |what: String| problems.add(|| format!("{}: {what}", place(number)));
        each(account, &mut problem);
        if let Some(first) = emails.insert(account.email.to_ascii_lowercase(), number) {
            problem(format!("email is that of {} too", place(first)));
        }
        if let Some(first) = names.insert(account.name.as_str(), number) {
            problem(format!("name is that of {} too", place(first)));
        }
    }
    problems.into_result()
}

fn each(account: &Wished, problem: &mut dyn FnMut(String)) {
    if !is_email(&account.email) {
        problem("email must be an address of 6 to 64 characters".to_owned());
    }
    let printable = account.name.chars().all(|it| (' '..='~').contains(&it));
    if !(1..=50).contains(&account.name.len()) || !printable || account.name.trim().is_empty() {
        problem("name must be 1 to 50 printable ASCII characters".to_owned());
    }
    if account.parent.as_deref().is_some_and(|parent| !is_parent(parent)) {
        problem("parent must be a root (r-ab12) or an organizational unit (ou-ab12-c3d4e5f6)".to_owned());
    }
    if account.role_name.as_deref().is_some_and(|role| !is_role(role)) {
        problem(format!(
            "roleName must be 1 to 64 letters, digits and _+=,.@- and must not begin with {RESERVED_ROLE}"
        ));
    }
    let billing = account.iam_user_access_to_billing.as_deref();
    if billing.is_some_and(|word| !["ALLOW", "DENY"].contains(&word)) {
        problem("iamUserAccessToBilling must be ALLOW or DENY".to_owned());
    }
    if account.tags.len() > MOST_TAGS {
        problem(format!("it has {} tags, and {MOST_TAGS} are the most", account.tags.len()));
    }
    for (number, (key, value)) in account.tags.iter().enumerate() {
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("aws:") || lower.starts_with("muster:") {
            problem(format!("tag {} begins with aws: or muster:, which are not yours", number + 1));
        }
        if !(1..=TAG_KEY).contains(&key.chars().count()) || value.chars().count() > TAG_VALUE {
            problem(format!(
                "tag {} must have a key of 1 to 128 characters and a value of at most 256",
                number + 1
            ));
        }
        if !key.chars().chain(value.chars()).all(is_of_tag) {
            problem(format!("tag {} may have letters, digits, spaces and _.:/=+-@ only", number + 1));
        }
    }
}

/// `[^\s@]+@[^\s@]+\.[^\s@]+`, of printable ASCII.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let fits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    (6..=64).contains(&text.len()) && [local, host, top].into_iter().all(fits)
}

fn is_parent(text: &str) -> bool {
    matches!(text.parse(), Ok(TargetId::Root(_) | TargetId::OrganizationalUnit(_)))
}

fn is_role(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with(RESERVED_ROLE)
}

fn is_of_tag(character: char) -> bool {
    character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(accounts: Value) -> String {
        let accounts: Vec<Wished> = serde_json::from_value(accounts).unwrap();
        let checked = check(&accounts, |number| format!("account {}", number + 1));
        checked.map_or_else(|error| error.to_string(), |()| String::new())
    }

    fn one(members: Value) -> Value {
        let mut account = json!({"email": "data@example.com", "name": "Data"});
        for (name, value) in members.as_object().unwrap() {
            account[name] = value.clone();
        }
        json!([account])
    }

    #[test]
    fn what_aws_accepts_is_accepted() {
        for members in [
            json!({}),
            json!({"email": "a@b.co"}),
            json!({"email": "root+data@mail.example.co.uk"}),
            json!({"name": "Data & Analytics (prod) ~"}),
            json!({"parent": "r-ab12"}),
            json!({"parent": "ou-ab12-c3d4e5f6", "roleName": "Admin+=,.@-_", "iamUserAccessToBilling": "ALLOW"}),
            json!({"tags": {"team": "", "cost center": "a/b:c=d+e-f@g"}, "govCloud": true}),
        ] {
            assert_eq!(said(one(members.clone())), "", "{members}");
        }
    }

    #[test]
    fn what_aws_would_refuse_is_refused_before_it_is_asked() {
        let many: BTreeMap<String, &str> = (0..49).map(|number| (format!("tag{number}"), "")).collect();
        for (members, says) in [
            (json!({"email": "a@bc"}), "email"),
            (json!({"email": "data example@example.com"}), "email"),
            (json!({"email": "data@exa@mple.com"}), "email"),
            (json!({"email": "data@example."}), "email"),
            (json!({"email": format!("{}@example.com", "d".repeat(60))}), "email"),
            (json!({"name": ""}), "name"),
            (json!({"name": "  "}), "name"),
            (json!({"name": "Größe"}), "name"),
            (json!({"name": "n".repeat(51)}), "name"),
            (json!({"parent": "012345678901"}), "parent"),
            (json!({"parent": "ou-AB12-c3d4e5f6"}), "parent"),
            (json!({"roleName": "a b"}), "roleName"),
            (json!({"roleName": "AWSServiceRoleForMuster"}), "roleName"),
            (json!({"iamUserAccessToBilling": "allow"}), "iamUserAccessToBilling"),
            (json!({"tags": {"AWS:team": "data"}}), "aws:"),
            (json!({"tags": {"muster:run-id": "mine"}}), "muster:"),
            (json!({"tags": {"": "data"}}), "tag 1"),
            (json!({"tags": {"team": "d".repeat(257)}}), "tag 1"),
            (json!({"tags": {"team": "<data>"}}), "tag 1"),
            (json!({"tags": many}), "49 tags"),
        ] {
            assert!(said(one(members.clone())).contains(says), "{members}: {}", said(one(members.clone())));
        }
    }

    #[test]
    fn two_accounts_with_one_address_or_one_name_are_refused() {
        let text = said(json!([
            {"email": "data@example.com", "name": "Data"},
            {"email": "DATA@example.com", "name": "Data 2"},
            {"email": "web@example.com", "name": "Data"},
        ]));
        assert!(text.contains("account 2: email is that of account 1 too"), "{text}");
        assert!(text.contains("account 3: name is that of account 1 too"), "{text}");
    }

    #[test]
    fn all_problems_are_told_at_once_up_to_a_bound_and_without_addresses() {
        let accounts: Vec<Value> = (0..30)
            .map(|number| json!({"email": format!("secret{number}"), "name": format!("N{number}")}))
            .collect();
        let text = said(json!(accounts));
        assert!(text.contains("account 20:") && text.contains("; and 10 more"), "{text}");
        assert!(!text.contains("account 21:") && !text.contains("secret"), "{text}");
        let many: Vec<Value> = (0..=MOST)
            .map(|number| json!({"email": format!("a{number}@example.com"), "name": format!("N{number}")}))
            .collect();
        assert!(said(json!(many)).contains("1001 accounts"));
    }
}
