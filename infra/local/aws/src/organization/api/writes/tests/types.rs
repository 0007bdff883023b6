use std::time::Duration;

use serde_json::{Value, json};

use crate::organization::PendingType;
use crate::organization::api::testing::{Tested, id, tags};

const BACKUP: &str = "BACKUP_POLICY";

fn of(tested: &Tested, kind: &str) -> Value {
    json!({"RootId": tested.organization.root, "PolicyType": kind})
}

#[test]
fn a_type_is_on_its_way_then_on_and_a_moment_later_of_use() {
    let mut tested = Tested::new();
    let content = json!({"plans": {"p": {"regions": {"@@assign": ["eu-central-1"]}}}}).to_string();
    let body = json!({"Name": "n", "Description": "", "Type": BACKUP, "Content": content});
    let policy = id(&tested.ok("CreatePolicy", body));
    let attach = json!({"PolicyId": policy, "TargetId": tested.organization.root});
    let request = of(&tested, BACKUP);
    assert_eq!(tested.status(BACKUP), None);
    assert_eq!(tested.refused("AttachPolicy", attach.clone()), "PolicyTypeNotEnabledException");

    let answer = tested.ok("EnablePolicyType", request.clone());
    let shown = answer["Root"]["PolicyTypes"].as_array().unwrap().last().unwrap();
    assert_eq!(*shown, json!({"Type": BACKUP, "Status": "PENDING_ENABLE"}));
    assert_eq!(answer["Root"]["Id"], json!(tested.organization.root));
    tested.pass(9);
    assert_eq!(tested.status(BACKUP).as_deref(), Some("PENDING_ENABLE"));
    assert_eq!(tested.refused("AttachPolicy", attach.clone()), "PolicyTypeNotEnabledException");
    assert_eq!(tested.refused("EnablePolicyType", request.clone()), "PolicyTypeAlreadyEnabledException");
    assert_eq!(tested.refused("DisablePolicyType", request.clone()), "PolicyChangesInProgressException");
    tested.pass(1);
    assert_eq!(tested.status(BACKUP).as_deref(), Some("ENABLED"));
    assert_eq!(tested.refused("AttachPolicy", attach.clone()), "PolicyTypeNotEnabledException", "not yet");
    tested.pass(5);
    tested.ok("AttachPolicy", attach.clone());

    let answer = tested.ok("DisablePolicyType", request.clone());
    let shown = answer["Root"]["PolicyTypes"].as_array().unwrap().last().unwrap();
    assert_eq!(*shown, json!({"Type": BACKUP, "Status": "PENDING_DISABLE"}));
    for operation in ["DisablePolicyType", "EnablePolicyType"] {
        assert_eq!(tested.refused(operation, request.clone()), "PolicyChangesInProgressException");
    }
    assert_eq!(tested.refused("AttachPolicy", attach.clone()), "PolicyTypeNotEnabledException");
    tested.pass(10);
    assert_eq!(tested.status(BACKUP), None);
    assert_eq!(tested.refused("DisablePolicyType", request), "PolicyTypeNotEnabledException");
    let targets = tested.ok("ListTargetsForPolicy", json!({"PolicyId": policy}));
    assert_eq!(targets["Targets"], json!([]), "the policy stays, attached to nothing");
}

#[test]
fn what_a_type_on_its_way_answers_is_a_switch() {
    let (enabled, not_enabled, in_progress) = (
        "PolicyTypeAlreadyEnabledException",
        "PolicyTypeNotEnabledException",
        "PolicyChangesInProgressException",
    );
    for (switch, to_disable, to_enable) in
        [(PendingType::InProgress, in_progress, in_progress), (PendingType::Refused, not_enabled, enabled)]
    {
        let mut tested = Tested::new();
        tested.settings.organization.pending_type = switch;
        let request = of(&tested, BACKUP);
        tested.ok("EnablePolicyType", request.clone());
        assert_eq!(tested.refused("EnablePolicyType", request.clone()), enabled);
        assert_eq!(tested.refused("DisablePolicyType", request.clone()), to_disable);
        tested.pass(10);
        tested.ok("DisablePolicyType", request.clone());
        assert_eq!(tested.refused("EnablePolicyType", request.clone()), to_enable);
        assert_eq!(tested.refused("DisablePolicyType", request), to_disable);
    }
}

#[test]
fn a_type_that_takes_no_time_is_on_at_once() {
    let mut tested = Tested::new();
    tested.settings.organization.policy_type_duration = Duration::ZERO;
    let request = of(&tested, BACKUP);
    let answer = tested.ok("EnablePolicyType", request);
    let shown = answer["Root"]["PolicyTypes"].as_array().unwrap().last().unwrap();
    assert_eq!(shown["Status"], "ENABLED");
}

#[test]
fn a_type_that_was_turned_off_has_no_effective_policy_and_begins_again_with_none() {
    let mut tested = Tested::new();
    let (root, account) = (tested.organization.root.clone(), tested.organization.accounts[3].id.clone());
    let policy = tested.tag_policy("n", &["a"]);
    tested.ok("AttachPolicy", json!({"PolicyId": policy, "TargetId": root}));
    tested.pass(30);
    assert_eq!(tested.effective(&account), json!(["a"]));
    let request = of(&tested, "TAG_POLICY");
    tested.ok("DisablePolicyType", request.clone());
    assert_eq!(tested.effective(&account), json!(["a"]), "until it is off");
    tested.pass(10);
    let describe = json!({"PolicyType": "TAG_POLICY", "TargetId": account});
    assert_eq!(
        tested.refused("DescribeEffectivePolicy", describe.clone()),
        "EffectivePolicyNotFoundException"
    );
    tested.ok("EnablePolicyType", request);
    tested.pass(10);
    let answer = tested.ok("DescribeEffectivePolicy", describe);
    assert_eq!(answer["EffectivePolicy"]["PolicyContent"], "{}");
    assert!(tested.organization.policies.iter().any(|it| it.content == tags(&["a"])));
}

#[test]
fn scps_that_are_turned_on_again_begin_with_awss_own_everywhere() {
    let mut tested = Tested::new();
    let kind = "SERVICE_CONTROL_POLICY";
    let request = of(&tested, kind);
    tested.ok("DisablePolicyType", request.clone());
    tested.pass(10);
    tested.ok("ListRoots", json!({}));
    assert!(tested.organization.policies.iter().filter(|it| it.kind == kind).all(|it| it.targets.is_empty()));
    tested.ok("EnablePolicyType", request);
    tested.pass(10);
    tested.ok("ListRoots", json!({}));
    let everything = 1 + tested.organization.units.len() + tested.organization.accounts.len();
    for policy in tested.organization.policies.iter().filter(|it| it.kind == kind) {
        assert_eq!(policy.targets.len(), if policy.aws_managed { everything } else { 0 }, "{}", policy.name);
    }
}

#[test]
fn some_types_need_the_access_of_their_service_for_as_long_as_they_are_on() {
    let mut tested = Tested::new();
    let (kind, service) = ("SECURITYHUB_POLICY", json!({"ServicePrincipal": "securityhub.amazonaws.com"}));
    let request = of(&tested, kind);
    let not_enabled = "ConstraintViolationException/SERVICE_ACCESS_NOT_ENABLED";
    assert_eq!(tested.refused("EnablePolicyType", request.clone()), not_enabled);
    tested.ok("EnableAWSServiceAccess", service.clone());
    tested.ok("EnablePolicyType", request.clone());
    let refusal = tested.refused("DisableAWSServiceAccess", service.clone());
    assert_eq!(refusal, "ConstraintViolationException/POLICY_TYPE_ENABLED_FOR_THIS_SERVICE");
    tested.pass(10);
    tested.ok("DisablePolicyType", request.clone());
    tested.pass(10);
    tested.ok("DisableAWSServiceAccess", service);
    tested.settings.organization.types_with_service.clear();
    tested.ok("EnablePolicyType", request);
}

#[test]
fn a_type_is_of_the_root_that_there_is() {
    let mut tested = Tested::new();
    for operation in ["EnablePolicyType", "DisablePolicyType"] {
        for (root, kind, refusal) in [
            ("r-zzzz", BACKUP, "RootNotFoundException"),
            ("ou-zzzz-00000000", BACKUP, "InvalidInputException/INVALID_PATTERN"),
            ("r-zzzz", "NONE", "InvalidInputException/INVALID_ENUM_POLICY_TYPE"),
        ] {
            let body = json!({"RootId": root, "PolicyType": kind});
            assert_eq!(tested.refused(operation, body), refusal);
        }
    }
}
