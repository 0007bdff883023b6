//! The role that policy generation takes on in every member account: where it is, who may take it on, and
//! in whose name that shows.

use aws_sdk_iam::config::ProvideCredentials;
use local_aws::connector::sdk_config;
use local_aws::iam::{PolicyDocument, Principal};
use local_stack::{LocalStack, MemberRoles, Topology};
use models::{ErrorName, MemberRole, RunId};
use muster_tests::{Scenario, begin, on_virtual_time, stack};
use runtime::Identity;
use serde_json::json;

const MEMBER_ROLE: &str = "arn:aws:iam::*:role/MusterPolicyGeneration";

fn run() -> RunId {
    RunId::derive(begin(), "policy-generation")
}

#[derive(Debug)]
struct Refused {
    name: ErrorName,
    cause: String,
}

/// The ARN of the session that a function of the stack, by the name of its role, has in an account.
async fn session(stack: &LocalStack, function: &str, account: &str) -> Result<String, Refused> {
    let may = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": MEMBER_ROLE}});
    let own = stack.aws.account().to_owned();
    let credentials = stack.aws.gate().identities.issue(Principal {
        arn: format!("arn:aws:sts::{own}:assumed-role/{function}/{function}"),
        policy: Some(PolicyDocument::parse(&may).unwrap().into()),
        role: Some(format!("arn:aws:iam::{own}:role/{function}")),
        account: own,
        sandbox: None,
        function: None,
    });
    let own = sdk_config(&stack.aws, &credentials, runtime::aws::retries(), runtime::aws::timeouts());
    let role: MemberRole = MEMBER_ROLE.parse().unwrap();
    let config = Identity::member(&role, &account.parse().unwrap()).config(&own, &run()).await;
    let config = config.map_err(|error| Refused { name: error.name(), cause: error.to_string() })?;
    let taken = config.credentials_provider().unwrap().provide_credentials().await.unwrap();
    let principal = stack.aws.gate().identities.principal(taken.access_key_id()).unwrap();
    assert_eq!(principal.account, account);
    Ok(principal.arn.clone())
}

const FUNCTION: &str = "muster-PolicyGenerationStartRole";

fn scenario(topology: Topology, member_roles: MemberRoles) -> Scenario {
    Scenario { topology, member_roles, suspended_one_in: 5, ..Scenario::default() }
}

#[test]
fn in_every_active_member_account_the_role_is_taken_on_in_the_runs_name() {
    for topology in [Topology::Management, Topology::Delegated] {
        on_virtual_time(async {
            let stack = stack(&scenario(topology, MemberRoles::default()));
            let organization = stack.aws.organization();
            let mut taken = 0;
            for account in &organization.accounts {
                let session = session(&stack, FUNCTION, &account.id).await;
                let expected = account.state == "ACTIVE" && account.id != organization.management_account;
                assert_eq!(session.is_ok(), expected, "{topology:?} {} {session:?}", account.state);
                if let Ok(arn) = session {
                    let name = format!("assumed-role/MusterPolicyGeneration/{}", run());
                    assert_eq!(arn, format!("arn:aws:sts::{}:{name}", account.id));
                    taken += 1;
                }
            }
            assert_eq!(taken, 9, "of 12 one is the management account, and two are suspended");
        });
    }
}

#[test]
fn no_other_function_of_the_stack_takes_on_the_role() {
    on_virtual_time(async {
        let stack = stack(&scenario(Topology::Management, MemberRoles::default()));
        let account = &stack.aws.organization().accounts[1].id;
        for function in
            ["muster-InventoryReadRole", "PolicyGenerationStartRole", "other-PolicyGenerationStartRole"]
        {
            let refused = session(&stack, function, account).await.unwrap_err();
            assert_eq!(refused.name, ErrorName::Denied, "{function}");
        }
    });
}

#[test]
fn the_management_account_has_the_roles_where_they_are_deployed_there_too() {
    on_virtual_time(async {
        let members = MemberRoles { in_management_account: true, ..MemberRoles::default() };
        let stack = stack(&scenario(Topology::Delegated, members));
        let management = stack.aws.organization().management_account;
        assert!(session(&stack, FUNCTION, &management).await.is_ok());
    });
}

#[test]
fn an_account_without_the_roles_is_denied_with_what_to_check_and_the_others_are_not() {
    on_virtual_time(async {
        let accounts = stack(&Scenario::default()).aws.organization().accounts;
        let (without, partly, with) = (&accounts[1].id, &accounts[2].id, &accounts[3].id);
        let members = MemberRoles {
            without: vec![without.clone()],
            without_access_role: vec![partly.clone()],
            ..MemberRoles::default()
        };
        let stack = stack(&Scenario { member_roles: members, ..Scenario::default() });
        let refused = session(&stack, FUNCTION, without).await.unwrap_err();
        assert_eq!(refused.name, ErrorName::Denied);
        let (cause, role) = (refused.cause, MEMBER_ROLE.replace('*', without));
        for said in [
            "sts:AssumeRole",
            "AccessDenied",
            "member-roles.yaml",
            "MemberRoleArn",
            &role,
            "organization-trail.md",
        ] {
            assert!(cause.contains(said), "{said} is not in {cause}");
        }
        assert!(!cause.contains("management-roles.yaml"), "{cause}");
        let names = |account: &str| {
            let arns = stack.aws.roles_in(account);
            arns.iter().map(|arn| arn.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(without), Vec::<String>::new());
        assert_eq!(names(partly), ["MusterPolicyGeneration"]);
        assert_eq!(names(with), ["MusterPolicyGeneration", "AccessAnalyzerMonitorServiceRole_Muster"]);
        for account in [partly, with] {
            assert!(session(&stack, FUNCTION, account).await.is_ok());
        }
    });
}

#[test]
fn fifty_thousand_accounts_have_the_roles() {
    on_virtual_time(async {
        let stack = stack(&Scenario { accounts: 50_000, ..Scenario::default() });
        let last = stack.aws.organization().accounts[49_999].id.clone();
        assert!(session(&stack, FUNCTION, &last).await.is_ok());
        assert_eq!(stack.aws.roles_in(&last).len(), 2);
        assert!(stack.aws.roles().len() < 100, "those of the stack alone are kept one by one");
    });
}
