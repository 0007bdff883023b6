//! New accounts, and where accounts lie.

use serde_json::{Value, json};

use super::super::input::{Id, is_name};
use super::super::reads::{accounts, requests};
use super::super::{constraint, error, invalid};
use super::{Write, nothing};
use crate::organization::creation::Wanted;
use crate::organization::{TooManyInProgress, WrongSource, span};
use crate::wire::ApiError;

impl Write<'_> {
    pub(super) fn create_account(&mut self) -> Result<Value, ApiError> {
        self.begin_account(false)
    }

    /// Two accounts: one here, and one in AWS GovCloud (US) beside it.
    pub(super) fn create_gov_cloud_account(&mut self) -> Result<Value, ApiError> {
        if self.partition != "aws" {
            return Err(error(
                "UnsupportedAPIEndpointException",
                "This action isn't available in the current AWS Region.",
            ));
        }
        self.begin_account(true)
    }

    fn begin_account(&mut self, govcloud: bool) -> Result<Value, ApiError> {
        let wanted = self.wanted(govcloud)?;
        self.accounts_can_be_created(govcloud)?;
        let request = self.organization.create_account(wanted, self.now, self.settings);
        Ok(json!({"CreateAccountStatus": requests::show(request)}))
    }

    fn wanted(&self, govcloud: bool) -> Result<Wanted, ApiError> {
        let request = self.request;
        let email = request.required("Email", 6, 64)?;
        let name = request.required("AccountName", 1, 50)?;
        if !is_email(email) || !name.chars().all(|it| (' '..='~').contains(&it)) {
            return Err(invalid("INVALID_PATTERN"));
        }
        let role = request.sized("RoleName", 1, 64)?.unwrap_or("OrganizationAccountAccessRole");
        if !role.chars().all(is_name) {
            return Err(invalid("INVALID_PATTERN"));
        }
        // "A role name can't begin with the reserved prefix AWSServiceRoleFor."
        if role.starts_with("AWSServiceRoleFor") {
            return Err(invalid("INVALID_ROLE_NAME"));
        }
        request.word("IamUserAccessToBilling", &["ALLOW", "DENY"])?;
        let tags = request.tags()?;
        Ok(Wanted { name: name.to_owned(), email: email.to_owned(), role: role.to_owned(), tags, govcloud })
    }

    fn accounts_can_be_created(&self, govcloud: bool) -> Result<(), ApiError> {
        let finalizing = span(self.settings.finalizing);
        if self.organization.founded.is_some_and(|founded| self.now < founded + finalizing) {
            return Err(error(
                "FinalizingOrganizationException",
                "Your organization is still initializing. Try again later.",
            ));
        }
        if govcloud && !self.settings.govcloud {
            return Err(constraint(
                "MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED",
                "The management account has no associated account in AWS GovCloud (US).",
            ));
        }
        let in_progress = self.organization.in_progress();
        if self.organization.accounts.len() + in_progress >= self.settings.account_quota {
            return Err(constraint(
                TooManyInProgress::AccountNumber.reason(),
                "You have exceeded the number of accounts in an organization.",
            ));
        }
        if in_progress >= self.settings.accounts_in_progress {
            return Err(constraint(
                self.settings.too_many_in_progress.reason(),
                "You have exceeded the number of accounts that can be in progress at a time.",
            ));
        }
        Ok(())
    }

    pub(super) fn move_account(&mut self) -> Result<Value, ApiError> {
        let account = self.request.id("AccountId", Id::Account)?;
        let source = self.request.id("SourceParentId", Id::Parent)?;
        let destination = self.request.id("DestinationParentId", Id::Parent)?;
        let organization = &self.organization;
        let parent = organization.account(account).map(|account| account.parent.as_str());
        let parent = parent.ok_or_else(accounts::not_found)?;
        let no_source =
            || error("SourceParentNotFoundException", "You specified a source that doesn't exist.");
        if !organization.is_parent(source) {
            return Err(no_source());
        }
        if !organization.is_parent(destination) {
            return Err(error(
                "DestinationParentNotFoundException",
                "You specified a destination that doesn't exist.",
            ));
        }
        if parent != source {
            return Err(match self.settings.wrong_source {
                WrongSource::AccountNotFound => accounts::not_found(),
                WrongSource::SourceNotFound => no_source(),
            });
        }
        if source == destination {
            return Err(error(
                "DuplicateAccountException",
                "The account is already present in the specified destination.",
            ));
        }
        self.organization.move_account(account, destination, self.now);
        Ok(nothing())
    }
}

impl TooManyInProgress {
    fn reason(self) -> &'static str {
        match self {
            Self::CreationRate => "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED",
            Self::AccountNumber => "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        }
    }
}

/// `[^\s@]+@[^\s@]+\.[^\s@]+`
fn is_email(text: &str) -> bool {
    let parts = text.split_once('@').and_then(|(local, domain)| Some((local, domain.rsplit_once('.')?)));
    parts.is_some_and(|(local, (name, top))| {
        [local, name, top]
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|it| !it.is_whitespace() && it != '@'))
    })
}
