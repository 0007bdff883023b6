//! What somebody has decided to live with.

use local_stack::LocalStack;
use muster_tests::{on_virtual_time, stack};
use serde_json::{Value, json};

use super::{all, find, text, without_principals};

fn put(stack: &LocalStack, document: &Value) {
    let storage = stack.aws.storage();
    storage.deliver(stack.bucket(), "exceptions.json", |out| write!(out, "{document}")).unwrap();
}

#[test]
fn a_finding_that_is_excepted_stays_and_says_why_and_does_not_count() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let first = all(&stack).await;
        let unused = first.of("service_unused").len() as u64;
        let one = text(first.of("attribute_ready")[0], "finding_id").to_owned();
        put(
            &stack,
            &json!({"exceptions": [
                {"kind": "service_unused", "entity": "*", "reason": "a sandbox", "owner": "platform", "expires": "2026-12-31"},
                {"finding": one, "reason": "not yet", "owner": "security", "expires": "2026-12-31"},
            ]}),
        );
        let second = find(&stack, json!({"refresh": "none"})).await;
        assert_eq!(second.result["excepted"], unused + 1);
        assert!(second.of("service_unused").iter().all(|it| it["exception_reason"] == "a sandbox"));
        assert_eq!(second.result["findings"], first.result["findings"]);
        assert!(second.drift().values().all(|status| *status == "unchanged"));
    });
}

#[test]
fn an_exception_that_has_expired_counts_no_more_and_is_a_finding_until_it_is_gone() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        all(&stack).await;
        put(
            &stack,
            &json!({"exceptions": [
                {"kind": "service_unused", "entity": "*", "reason": "a sandbox", "owner": "platform", "expires": "2026-11-01"},
            ]}),
        );
        let second = find(&stack, json!({"refresh": "none"})).await;
        let [expired] = second.of("exception_expired")[..] else { panic!("{:#?}", second.result) };
        assert_eq!(text(expired, "owner"), "platform");
        assert_eq!(second.result["excepted"], 0);
        put(&stack, &json!({"exceptions": []}));
        let third = find(&stack, json!({"refresh": "none"})).await;
        assert_eq!(text(third.of("exception_expired")[0], "status"), "resolved");
    });
}

#[test]
fn exceptions_that_cannot_be_read_except_nothing_and_take_nothing_from_the_run() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        all(&stack).await;
        let expired = json!({"exceptions": [
            {"kind": "service_unused", "entity": "*", "reason": "r", "owner": "o", "expires": "2026-11-01"},
        ]});
        put(&stack, &expired);
        find(&stack, json!({"refresh": "none"})).await;
        put(&stack, &json!({"exceptions": [{"kind": "service_unused", "who": "me"}]}));
        let found = find(&stack, json!({"refresh": "none"})).await;
        let [unreadable] = found.of("exceptions_unreadable")[..] else { panic!("{:#?}", found.result) };
        assert!(text(unreadable, "text").contains("who"), "{unreadable}");
        assert_eq!(found.result["excepted"], 0);
        // Nobody can say whether it has been renewed.
        assert_eq!(text(found.of("exception_expired")[0], "status"), "not_observed");
    });
}
