use serde_json::{Value, json};

use crate::organization::api::testing::{Tested, code, tags};
use crate::organization::{BillingRefusal, Shape};

fn standalone() -> Tested {
    Tested::of(&Shape { standalone: true, ..Shape::default() })
}

#[test]
fn an_account_in_no_organization_makes_one_with_all_features() {
    let mut tested = standalone();
    for operation in ["DescribeOrganization", "ListRoots", "CreateAccount", "CreatePolicy"] {
        assert_eq!(tested.refused(operation, json!({})), "AWSOrganizationsNotInUseException");
    }
    assert_eq!(
        tested.refused("CreateOrganization", json!({"FeatureSet": "SOME"})),
        "InvalidInputException/INVALID_ENUM"
    );
    let answer = tested.ok("CreateOrganization", json!({}));
    assert_eq!(answer["Organization"]["FeatureSet"], "ALL");
    assert_eq!(tested.ok("DescribeOrganization", json!({})), answer);
    assert_eq!(tested.refused("CreateOrganization", json!({})), "AlreadyInOrganizationException");
    assert_eq!(tested.status("SERVICE_CONTROL_POLICY").as_deref(), Some("ENABLED"));
    let accounts = tested.ok("ListAccounts", json!({}))["Accounts"].clone();
    assert_eq!(accounts.as_array().unwrap().len(), 1);
    assert_eq!(accounts[0]["JoinedTimestamp"], json!(tested.now.as_second()));
    assert_eq!((&accounts[0]["JoinedMethod"], &accounts[0]["State"]), (&json!("INVITED"), &json!("ACTIVE")));
    let root = tested.ok("ListRoots", json!({}))["Roots"][0]["Id"].clone();
    for target in [&root, &accounts[0]["Id"]] {
        let attached = tested
            .ok("ListPoliciesForTarget", json!({"TargetId": target, "Filter": "SERVICE_CONTROL_POLICY"}));
        assert_eq!(attached["Policies"][0]["Id"], "p-FullAWSAccess");
        assert_eq!(tested.ok("ListTagsForResource", json!({"ResourceId": target}))["Tags"], json!([]));
    }
}

#[test]
fn a_new_organization_makes_no_accounts_until_it_is_finalized() {
    let mut tested = standalone();
    tested.ok("CreateOrganization", json!({"FeatureSet": "ALL"}));
    let new = json!({"Email": "new@example.com", "AccountName": "new"});
    tested.pass(15 * 60 - 1);
    assert_eq!(tested.refused("CreateAccount", new.clone()), "FinalizingOrganizationException");
    tested.pass(1);
    tested.ok("CreateAccount", new);
    tested.pass(120);
    assert_eq!(tested.ok("ListAccounts", json!({}))["Accounts"].as_array().unwrap().len(), 2);
    let attached = |policy: &str| json!({"PolicyId": policy});
    let of_scp = tested.ok("ListTargetsForPolicy", attached("p-FullAWSAccess"));
    let of_rcp = tested.ok("ListTargetsForPolicy", attached("p-RCPFullAWSAccess"));
    assert_eq!(of_scp["Targets"].as_array().unwrap().len(), 3);
    assert_eq!(of_rcp["Targets"], json!([]), "its type is off");
}

#[test]
fn consolidated_billing_has_accounts_and_no_policies() {
    let mut tested = standalone();
    let answer = tested.ok("CreateOrganization", json!({"FeatureSet": "CONSOLIDATED_BILLING"}));
    assert_eq!(answer["Organization"]["FeatureSet"], "CONSOLIDATED_BILLING");
    assert_eq!(tested.ok("ListRoots", json!({}))["Roots"][0]["PolicyTypes"], json!([]));
    let root = tested.organization.root.clone();
    let kind = json!({"RootId": root, "PolicyType": "SERVICE_CONTROL_POLICY"});
    let create = json!({"Name": "n", "Description": "", "Type": "TAG_POLICY", "Content": tags(&["a"])});
    let attach = json!({"PolicyId": "p-FullAWSAccess", "TargetId": root});
    let content = json!({"Statement": {"Effect": "Allow", "Action": "organizations:ListRoots",
        "Resource": "*", "Principal": "*"}});
    let refused: [(&str, Value); 7] = [
        ("CreatePolicy", create),
        ("EnablePolicyType", kind.clone()),
        ("DisablePolicyType", kind),
        ("AttachPolicy", attach.clone()),
        ("DetachPolicy", attach),
        ("EnableAWSServiceAccess", json!({"ServicePrincipal": "ec2.amazonaws.com"})),
        ("PutResourcePolicy", json!({"Content": content.to_string()})),
    ];
    for (operation, body) in &refused {
        let refusal = tested.refused(operation, body.clone());
        assert_eq!(
            refusal, "ConstraintViolationException/ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
            "{operation}"
        );
    }
    tested.settings.organization.consolidated_billing = BillingRefusal::NotAvailable;
    for (operation, body) in &refused[..2] {
        let refusal = tested.refused(operation, body.clone());
        assert_eq!(refusal, "PolicyTypeNotAvailableForOrganizationException", "{operation}");
    }
    tested.pass(15 * 60);
    tested.ok("CreateAccount", json!({"Email": "new@example.com", "AccountName": "new"}));
}

#[test]
fn a_member_is_in_an_organization_already_and_there_is_no_second_one() {
    let mut tested = Tested::new();
    let member = tested.organization.accounts[3].id.clone();
    let refused = tested.call_as(&member, "CreateOrganization", json!({})).unwrap_err();
    assert_eq!(code(&refused), "AlreadyInOrganizationException");
    let refused = tested.call_as("999999999999", "CreateOrganization", json!({})).unwrap_err();
    assert_eq!(code(&refused), "UnknownOperationException");
}
