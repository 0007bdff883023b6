//! Policies: what was used in the window and the Regions, in each of the three forms.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_policy_has_the_actions_of_its_window_and_regions_and_services_of_which_no_more_is_known() {
    let member = member(AccessAnalyzerSettings::default());
    let principal = member.busy();
    let all = |days| {
        let mut order = member.order(&principal, days);
        let trail = member.aws.organization_trail();
        order["cloudTrailDetails"]["trails"] = json!([{"cloudTrailArn": trail, "allRegions": true}]);
        order
    };
    let wide = member.generated(&all(30)).await;
    let narrow = member.generated(&all(1)).await;
    let (wide, narrow) = (actions(&wide), actions(&narrow));
    assert!(wide.len() > narrow.len() && !narrow.is_empty());
    assert!(wide.iter().any(|it| !it.ends_with(":*")), "{wide:?}");
    let organization = member.aws.organization();
    let found = principals::find(&organization, &principal, &member.principal_settings()).unwrap();
    let uses = found.uses(&organization, now());
    for action in wide.iter().filter(|it| !it.ends_with(":*")) {
        let (namespace, name) = action.split_once(':').unwrap();
        let of = uses.iter().find(|of| of.namespace == namespace).unwrap();
        assert!(of.actions.iter().any(|it| it.name == name), "{action}");
    }
    let mut nowhere = all(30);
    nowhere["cloudTrailDetails"]["trails"][0] =
        json!({"cloudTrailArn": member.aws.organization_trail(), "regions": ["nowhere-1"]});
    let nothing = member.generated(&nowhere).await;
    assert_eq!(policies(&nothing), [json!({"Version": "2012-10-17", "Statement": []})]);
    assert_eq!(nothing["generatedPolicyResult"]["properties"]["isComplete"], true);
}

#[tokio::test(start_paused = true)]
async fn placeholders_stand_for_resources_and_a_template_has_a_statement_for_each_service() {
    let member = member(AccessAnalyzerSettings::default());
    let id = member.start(&member.order(&member.busy(), 60)).await;
    let plain = member.ended(&id).await;
    assert!(statements(&plain).iter().all(|it| it["Resource"] == json!(["*"]) && it["Effect"] == "Allow"));
    let filled = member.get(&id, "?includeResourcePlaceholders=true").await.body;
    let resources: Vec<_> = statements(&filled).iter().map(|it| it["Resource"][0].clone()).collect();
    assert!(resources.iter().any(|it| it.as_str().unwrap().contains("${")));
    assert!(!resources.iter().any(|it| it.as_str().unwrap().contains("${Partition}")));
    let sorted = |body: &Value| {
        let mut actions = actions(body);
        actions.sort();
        actions
    };
    assert_eq!(sorted(&plain), sorted(&filled));
    let template =
        member.get(&id, "?includeResourcePlaceholders=false&includeServiceLevelTemplate=true").await.body;
    let services = actions(&template);
    assert!(services.len() == statements(&template).len() && services.iter().all(|it| it.ends_with(":*")));
    for action in actions(&plain) {
        let namespace = action.split(':').next().unwrap();
        assert!(services.contains(&format!("{namespace}:*")), "{action}");
    }
    let properties = &plain["generatedPolicyResult"]["properties"];
    let detailed = actions(&plain).iter().all(|it| !it.ends_with(":*"));
    assert_eq!(properties["isComplete"], detailed);
}

#[tokio::test(start_paused = true)]
async fn a_principal_without_activity_has_a_policy_without_statements() {
    let member = member(AccessAnalyzerSettings::default());
    let body = member.generated(&member.order(&member.idle(), 90)).await;
    assert_eq!(policies(&body), [json!({"Version": "2012-10-17", "Statement": []})]);
    assert_eq!(body["generatedPolicyResult"]["properties"]["isComplete"], true);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_incomplete_or_has_several_documents_when_it_is_told_to() {
    let member = member(AccessAnalyzerSettings::default());
    let order = member.order(&member.busy(), 60);
    let usual = member.generated(&order).await;
    let outcomes = [PolicyGenerationOutcome::SeveralDocuments, PolicyGenerationOutcome::Incomplete];
    member.aws.change(|settings, _| settings.access_analyzer.outcomes = outcomes.to_vec());
    let several = member.generated(&order).await;
    assert!(policies(&several).len() > policies(&usual).len().max(2));
    assert_eq!(actions(&several), actions(&usual));
    let incomplete = member.generated(&order).await;
    assert_eq!(incomplete["generatedPolicyResult"]["properties"]["isComplete"], false);
    assert_ne!(actions(&incomplete), actions(&usual));
}

impl Member {
    fn principal_settings(&self) -> principals::PrincipalSettings {
        let mut settings = principals::PrincipalSettings::default();
        self.aws.change(|of, _| settings = of.principals.clone());
        settings
    }
}
