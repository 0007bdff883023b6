//! Which principals, in which accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use local_aws::access_analyzer::AccessAnalyzerSettings;
use local_aws::iam::{PolicyDocument, Role};
use local_aws::organization::generate as organization;
use local_aws::principals::MemberKind;
use local_stack::{MemberRoles, Topology};
use muster_tests::{Scenario, begin, on_virtual_time};
use serde_json::{Value, json};

use super::{Generated, generate, inventoried, members, principals_of, run, scenario, small, until};

fn quiet() -> Scenario {
    scenario(AccessAnalyzerSettings::default())
}

#[test]
fn an_account_without_the_role_is_left_out_with_the_reason_and_the_others_go_on() {
    let scenario = quiet();
    let account = organization(&scenario.shape(), begin()).accounts[3].id.clone();
    let member_roles = MemberRoles { without: vec![account.clone()], ..MemberRoles::default() };
    let of = generate(&Scenario { member_roles, ..scenario }, json!({}));
    let result = of.result();
    assert_eq!((&result["accountsRead"], &result["complete"]), (&json!(2), &json!(false)), "{result}");
    let causes = of.causes("skipped");
    let why = causes.iter().find(|cause| cause.contains(&account)).unwrap_or_else(|| panic!("{causes:?}"));
    assert!(why.contains("infra/roles/member-roles.yaml"), "{why}");
    assert!(of.rows("generated_policies").iter().all(|row| row["account_id"] != account.as_str()));
}

#[test]
fn an_account_without_the_access_role_fails_by_itself() {
    let scenario = quiet();
    let account = organization(&scenario.shape(), begin()).accounts[3].id.clone();
    let without_access_role = vec![account.clone()];
    let of = generate(
        &Scenario { member_roles: MemberRoles { without_access_role, ..MemberRoles::default() }, ..scenario },
        json!({}),
    );
    let rows = of.rows("generated_policies");
    let status = |row: &crate::inventory::Row| row["status"].as_str().unwrap().to_owned();
    assert!(
        rows.iter().filter(|row| row["account_id"] == account.as_str()).all(|row| status(row) != "generated")
    );
    assert!(rows.iter().any(|row| status(row) == "generated"));
    let causes = of.causes("failed");
    let role = format!("{account}:role/service-role/AccessAnalyzerMonitorServiceRole_Muster");
    assert!(!causes.is_empty() && causes.iter().all(|cause| cause.contains(&role)), "{causes:?}");
}

#[test]
fn principals_are_chosen_by_their_arns_and_one_that_is_not_there_is_named() {
    let all = generate(&quiet(), json!({}));
    let rows = all.rows("generated_policies");
    let one = rows.iter().find(|row| row["status"] == "generated").unwrap();
    let (arn, account) = (one["principal_arn"].as_str().unwrap(), one["account_id"].as_str().unwrap());
    let nobody = format!("arn:aws:iam::{account}:role/nobody");
    let of = generate(&quiet(), json!({"principals": [arn, nobody]}));
    let result = of.result();
    assert_eq!(of.jobs().len(), 1);
    assert_eq!((&result["generated"], &result["complete"]), (&json!(1), &json!(false)), "{result}");
    assert!(result["notFound"].to_string().contains("role/nobody"), "{result}");
}

#[test]
fn the_management_account_is_worked_on_when_it_has_the_roles_and_is_asked_for() {
    let member_roles = MemberRoles { in_management_account: true, ..MemberRoles::default() };
    let of = generate(&Scenario { member_roles, ..quiet() }, json!({"managementAccount": true}));
    let result = of.result();
    assert_eq!((&result["accountsRead"], &result["managementAccount"]), (&json!(4), &json!("included")));
    assert_eq!(result["complete"], json!(true), "{result}");
}

#[test]
fn a_principal_that_is_deleted_after_it_was_found_is_left_out_or_fails_by_itself() {
    let mut scenario = Scenario { accounts: 2, ..small(AccessAnalyzerSettings::default()) };
    scenario.settings.request_latency = Duration::from_millis(400);
    // Whose policy is generated last.
    let gone = generate(&scenario, json!({})).jobs().pop().unwrap().principal;
    // Before its access is read, and before its policy is ordered.
    for (action, failed) in
        [("iam:GetAccountAuthorizationDetails", 0), ("access-analyzer:StartPolicyGeneration", 1)]
    {
        on_virtual_time(async {
            let stack = inventoried(&scenario).await;
            let execution = stack.start_policy_generation(json!({})).unwrap();
            until(&stack, action, |stack| stack.aws.calls().iter().any(|call| call.action == action)).await;
            stack.aws.change(|settings, _| settings.principals.deleted.push(gone.clone()));
            execution.finished().await;
            let of = Generated { stack, execution };
            let result = of.result();
            // Nothing is missing of one that was found to be gone.
            assert_eq!(
                (&result["failed"], &result["complete"]),
                (&json!(failed), &json!(failed == 0)),
                "{result}"
            );
            assert_eq!(of.jobs().iter().filter(|job| job.principal == gone).count(), failed);
            let (ours, others): (Vec<_>, Vec<_>) = of
                .rows("generated_policies")
                .into_iter()
                .partition(|row| row["principal_arn"] == json!(gone));
            let ours: Vec<_> = ours.iter().map(|row| row["status"].as_str().unwrap()).collect();
            assert_eq!(ours, vec!["failed"; failed]);
            assert!(others.iter().any(|row| row["status"] == "generated"), "{others:?}");
            assert!(others.iter().all(|row| row["status"] != "failed"), "{others:?}");
            assert_eq!(result["leftOut"].to_string().contains("removed since"), failed == 0, "{result}");
        });
    }
}

#[test]
fn a_role_that_is_made_anew_under_its_name_is_another() {
    let scenario = Scenario { accounts: 2, ..small(AccessAnalyzerSettings::default()) };
    on_virtual_time(async {
        let stack = inventoried(&scenario).await;
        let account = members(&stack)[0].clone();
        let role =
            principals_of(&scenario, &stack, &account).into_iter().find(|it| it.kind == MemberKind::Role);
        let arn = role.unwrap().arn;
        let first = run(stack, json!({})).await;
        let before = first.row(&arn);
        let ordered = first.jobs().len();
        first.stack.aws.change(|settings, _| settings.principals.deleted.push(arn.clone()));
        let document = json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let policy = Arc::new(PolicyDocument::parse(&document).unwrap());
        first.stack.aws.put_role(&arn, Role { policy: Arc::clone(&policy), trust: policy });
        let second = run(first.stack, json!({})).await;
        let rows = second.rows("generated_policies").into_iter();
        let anew = rows.filter(|row| row["principal_arn"] == json!(arn) && row["run_id"] != before["run_id"]);
        let [anew] = &anew.collect::<Vec<_>>()[..] else { panic!("one row") };
        assert_ne!(anew["principal_id"], before["principal_id"]);
        assert_ne!(anew["status"], "valid_policy_exists", "the policy was of another");
        assert_eq!(second.result()["validPolicyExists"], json!(ordered - 1));
        assert!(second.jobs().len() > ordered, "it is asked for");
    });
}

#[test]
fn names_paths_and_tags_of_any_characters_come_through_unharmed() {
    let mut scenario = Scenario { accounts: 2, ..small(AccessAnalyzerSettings::default()) };
    scenario.settings.principals.number = 8;
    let of = generate(&scenario, json!({}));
    assert_eq!(of.result()["complete"], json!(true));
    let all = principals_of(&scenario, &of.stack, &members(&of.stack)[0]);
    let hostile = ["jane.d+", "=+"].map(|start| all.iter().find(|it| it.name.starts_with(start)).unwrap());
    for member in all.iter() {
        let row = of.row(&member.arn);
        assert_eq!((&row["principal_id"], &row["path"]), (&json!(member.id), &json!(member.path)));
        let tags: BTreeMap<String, String> = serde_json::from_str(row["tags"].as_str().unwrap()).unwrap();
        assert_eq!(tags, member.tags.iter().cloned().collect(), "{}", member.arn);
        assert!(of.rows("principal_access").iter().any(|row| row["principal_arn"] == json!(member.arn)));
    }
    for member in hostile {
        let row = of.row(&member.arn);
        assert_eq!(row["status"], "generated");
        assert!(of.jobs().iter().any(|job| job.principal == member.arn));
        let key = row["documents"].as_str().unwrap();
        let kept = of.stack.aws.storage().read(of.stack.bucket(), key).unwrap();
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(
            (&kept["principal"]["arn"], &kept["principal"]["name"]),
            (&json!(member.arn), &json!(member.name))
        );
        let text = std::str::from_utf8(key.as_bytes()).unwrap();
        assert!(text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-/.".contains(&it)), "{text}");
    }
}

#[test]
fn a_stack_in_a_delegated_account_works_in_its_own_and_in_the_others() {
    let scenario = Scenario { topology: Topology::Delegated, ..small(AccessAnalyzerSettings::default()) };
    let of = generate(&scenario, json!({}));
    let result = of.result();
    assert_eq!((&result["complete"], &result["accountsRead"]), (&json!(true), &json!(2)), "{result}");
    assert_eq!(result["managementAccount"], json!("excluded"));
    let worked: BTreeSet<_> = of.jobs().into_iter().map(|job| job.account).collect();
    assert_eq!(worked, members(&of.stack).into_iter().collect());
    assert!(worked.contains(of.stack.aws.account()), "its own");
}
