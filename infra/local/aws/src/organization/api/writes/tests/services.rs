use serde_json::{Value, json};

use crate::organization::api::testing::Tested;

fn service(name: &str) -> Value {
    json!({"ServicePrincipal": format!("{name}.amazonaws.com")})
}

#[test]
fn a_service_gets_access_and_loses_it_as_often_as_it_is_asked_for() {
    let mut tested = Tested::new();
    for _ in 0..2 {
        assert_eq!(tested.ok("EnableAWSServiceAccess", service("config")), json!({}));
        let listed = tested.ok("ListAWSServiceAccessForOrganization", json!({}));
        let shown =
            json!({"ServicePrincipal": "config.amazonaws.com", "DateEnabled": tested.now.as_second()});
        assert_eq!(
            listed["EnabledServicePrincipals"].as_array().unwrap().iter().filter(|it| **it == shown).count(),
            1
        );
    }
    for _ in 0..2 {
        tested.ok("DisableAWSServiceAccess", service("config"));
        assert!(!tested.organization.is_trusted("config.amazonaws.com"));
    }
    for (name, reason) in [
        ("config", "UNRECOGNIZED_SERVICE_PRINCIPAL"),
        ("", "MIN_LENGTH_EXCEEDED"),
        ("con fig.amazonaws.com", "INVALID_PATTERN"),
    ] {
        for operation in ["EnableAWSServiceAccess", "DisableAWSServiceAccess"] {
            let refusal = tested.refused(operation, json!({"ServicePrincipal": name}));
            assert_eq!(refusal, format!("InvalidInputException/{reason}"));
        }
    }
}

#[test]
fn an_account_administers_a_service_from_its_registration_on() {
    let mut tested = Tested::new();
    let account = tested.organization.accounts[5].id.clone();
    let management = tested.organization.management_account.clone();
    let of = |account: &str, name: &str| json!({"AccountId": account, "ServicePrincipal": format!("{name}.amazonaws.com")});
    let register = "RegisterDelegatedAdministrator";
    let deregister = "DeregisterDelegatedAdministrator";
    let list = |account: &str| json!({"AccountId": account});
    for operation in [deregister, "ListDelegatedServicesForAccount"] {
        assert_eq!(tested.refused(operation, of(&account, "ec2")), "AccountNotRegisteredException");
    }
    assert!(tested.call_as(&account, "ListRoots", json!({})).is_err());
    let refusal = tested.refused(register, of(&account, "config"));
    assert_eq!(refusal, "ConstraintViolationException/SERVICE_ACCESS_NOT_ENABLED");

    assert_eq!(tested.ok(register, of(&account, "ec2")), json!({}));
    assert!(tested.call_as(&account, "ListRoots", json!({})).is_ok(), "it may read");
    let first = tested.now.as_second();
    tested.pass(10);
    tested.ok(register, of(&account, "guardduty"));
    assert_eq!(tested.refused(register, of(&account, "ec2")), "AccountAlreadyRegisteredException");
    let services = tested.ok("ListDelegatedServicesForAccount", list(&account));
    assert_eq!(
        services["DelegatedServices"],
        json!([
            {"ServicePrincipal": "ec2.amazonaws.com", "DelegationEnabledDate": first},
            {"ServicePrincipal": "guardduty.amazonaws.com", "DelegationEnabledDate": first + 10},
        ])
    );
    let listed = tested.ok("ListDelegatedAdministrators", service("guardduty"));
    let listed = listed["DelegatedAdministrators"].as_array().unwrap().clone();
    let shown = listed.iter().find(|it| it["Id"] == json!(account)).unwrap();
    assert_eq!(shown["DelegationEnabledDate"], json!(first + 10));
    tested.ok(deregister, of(&account, "ec2"));
    tested.ok(deregister, of(&account, "guardduty"));
    assert!(tested.call_as(&account, "ListRoots", json!({})).is_err());

    let suspended = tested.organization.accounts[6].id.clone();
    tested.organization.accounts[6].state = "SUSPENDED";
    for (body, refusal) in [
        (
            of(&management, "ec2"),
            "ConstraintViolationException/CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
        ),
        (
            of(&suspended, "ec2"),
            "ConstraintViolationException/CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
        ),
        (of("999999999999", "ec2"), "AccountNotFoundException"),
    ] {
        assert_eq!(tested.refused(register, body), refusal);
    }
}

#[test]
fn a_service_has_so_many_administrators() {
    for (most, reason) in [
        (1, "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE"),
        (2, "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED"),
    ] {
        let mut tested = Tested::new();
        tested.settings.organization.administrators_per_service = most;
        for number in 0..=most {
            let account = tested.organization.accounts[number + 2].id.clone();
            let body = json!({"AccountId": account, "ServicePrincipal": "ec2.amazonaws.com"});
            match number == most {
                false => assert_eq!(tested.ok("RegisterDelegatedAdministrator", body), json!({})),
                true => assert_eq!(
                    tested.refused("RegisterDelegatedAdministrator", body),
                    format!("ConstraintViolationException/{reason}")
                ),
            }
        }
    }
}
