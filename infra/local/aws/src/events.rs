//! EventBridge's default bus, and the topics of SNS that its rules speak to.

use std::fmt;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::lock;
use crate::iam::{Effect, PolicyDocument};
use crate::wire::ApiError;

/// How many entries PutEvents takes at once, and how many bytes of all of them.
const ENTRIES: usize = 10;
const BYTES: usize = 256 * 1024;

type Listener = Box<dyn Fn(&Value) + Send + Sync>;

/// The default bus of the account.
#[derive(Default)]
pub(crate) struct Bus {
    /// The events that were taken, as rules see them.
    events: Mutex<Vec<Value>>,
    listeners: Mutex<Vec<Listener>>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("events", &lock(&self.events).len()).finish_non_exhaustive()
    }
}

/// Where and when an event is put.
pub(crate) struct Here<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    /// The ARN of the default bus.
    pub(crate) bus: &'a str,
    pub(crate) now: Timestamp,
}

/// An event without resources as rules and their targets see it.
pub fn envelope(here: (&str, &str), now: Timestamp, id: &str, event: (&str, &str, &Value)) -> Value {
    let ((account, region), (source, detail_type, detail)) = (here, event);
    json!({
        "version": "0",
        "id": id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [],
        "detail": detail,
    })
}

impl Bus {
    /// The events that were taken so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        lock(&self.events).clone()
    }

    pub(crate) fn listen(&self, listener: Listener) {
        lock(&self.listeners).push(listener);
    }

    /// Answers PutEvents. `refusals` are the codes of the next entries that are not taken: of a request
    /// some may be, and the answer is a success all the same.
    pub(crate) fn put(
        &self,
        here: &Here<'_>,
        body: &Value,
        refusals: &mut Vec<&'static str>,
    ) -> Result<Value, ApiError> {
        let invalid = |message: &str| Err(ApiError::new(400, "ValidationException", message));
        if !body["EndpointId"].is_null() {
            return invalid("global endpoints are not simulated");
        }
        let none = Vec::new();
        let entries = body["Entries"].as_array().unwrap_or(&none);
        if entries.is_empty() || entries.len() > ENTRIES {
            return invalid(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must \
                 have length less than or equal to 10 and greater than or equal to 1",
            );
        }
        if entries.iter().map(size).sum::<usize>() >= BYTES {
            return invalid("Total size of the entries in the request is over the limit.");
        }
        let mut answers = Vec::new();
        for entry in entries {
            answers.push(match (!refusals.is_empty()).then(|| refusals.remove(0)) {
                Some(code) => json!({"ErrorCode": code, "ErrorMessage": "The entry was not taken."}),
                None => self.take(here, entry),
            });
        }
        let failed = answers.iter().filter(|answer| answer["EventId"].is_null()).count();
        Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
    }

    fn take(&self, here: &Here<'_>, entry: &Value) -> Value {
        let refused = |code: &str, message: String| json!({"ErrorCode": code, "ErrorMessage": message});
        for name in ["Source", "DetailType", "Detail"] {
            if entry[name].as_str().is_none_or(str::is_empty) {
                let message =
                    format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
                return refused("InvalidArgument", message);
            }
        }
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let bus = entry["EventBusName"].as_str().unwrap_or("default");
        if bus != "default" && bus != here.bus {
            // AWS takes such an entry and drops it, or refuses it: nobody here has another bus.
            return refused("NotFound", format!("the event bus {bus} is not simulated"));
        }
        if text("Source").starts_with("aws.") {
            return refused("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned());
        }
        let detail = serde_json::from_str::<Value>(text("Detail")).ok().filter(Value::is_object);
        let Some(detail) = detail else {
            return refused("MalformedDetail", "Detail is malformed.".to_owned());
        };
        let mut events = lock(&self.events);
        let id = format!("44444444-0000-4000-8000-{:012}", events.len() + 1);
        let of_event = (text("Source"), text("DetailType"), &detail);
        // Seconds, with or without a fraction.
        let time = entry["Time"].as_f64().and_then(|at| Timestamp::from_millisecond((at * 1e3) as i64).ok());
        let at = time.unwrap_or(here.now);
        let mut event = envelope((here.account, here.region), at, &id, of_event);
        if entry["Resources"].is_array() {
            event["resources"] = entry["Resources"].clone();
        }
        events.push(event.clone());
        drop(events);
        for listener in lock(&self.listeners).iter() {
            listener(&event);
        }
        json!({"EventId": id})
    }
}

/// An entry's size, as AWS counts it.
fn size(entry: &Value) -> usize {
    let of = |name: &str| entry[name].as_str().map_or(0, str::len);
    let time = if entry["Time"].is_null() { 0 } else { 14 };
    let resources = entry["Resources"].as_array().into_iter().flatten();
    let resources: usize = resources.filter_map(Value::as_str).map(str::len).sum();
    of("Source") + of("DetailType") + of("Detail") + time + resources
}

/// A topic of SNS.
#[derive(Debug, Clone)]
pub struct Topic {
    pub arn: String,
    pub policy: PolicyDocument,
}

/// What was published to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub at: Timestamp,
    pub text: String,
}

/// The topics of the account, and what they were given.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    topics: Mutex<Vec<Topic>>,
    messages: Mutex<Vec<Message>>,
}

impl Topics {
    pub(crate) fn put(&self, topic: Topic) {
        lock(&self.topics).push(topic);
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        lock(&self.messages).clone()
    }

    /// A rule publishes a message, if the topic's own policy lets it: SNS asks nobody else for a
    /// service.
    pub(crate) fn publish(&self, rule: &str, account: &str, message: Message) -> bool {
        let topics = lock(&self.topics);
        let Some(topic) = topics.iter().find(|topic| topic.arn == message.topic) else { return false };
        let context = [("aws:SourceArn", rule.to_owned()), ("aws:SourceAccount", account.to_owned())].into();
        let service = "events.amazonaws.com";
        let answer = topic.policy.decide(service, "sns:Publish", &topic.arn, &context);
        let allowed = answer == Some(Effect::Allow);
        if allowed {
            lock(&self.messages).push(message);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(bus: &Bus, entries: &Value, refusals: &mut Vec<&'static str>) -> Result<Value, ApiError> {
        let bus_arn = "arn:aws:events:eu-central-1:012345678901:event-bus/default";
        let (account, region) = ("012345678901", "eu-central-1");
        let here = Here { account, region, bus: bus_arn, now: Timestamp::UNIX_EPOCH };
        bus.put(&here, &json!({"Entries": entries}), refusals)
    }

    fn entry(detail: &str) -> Value {
        json!({"Source": "muster", "DetailType": "T", "Detail": detail})
    }

    #[test]
    fn each_entry_is_answered_by_itself_and_in_its_place() {
        let bus = Bus::default();
        let foreign = json!({"Source": "aws.ec2", "DetailType": "T", "Detail": "{}"});
        let entries = json!([entry("{\"a\": 1}"), entry("no"), foreign, {"Source": "muster"}, entry("{}")]);
        let answer = put(&bus, &entries, &mut vec!["InternalFailure"]).unwrap();
        assert_eq!(answer["FailedEntryCount"], 4);
        let codes: Vec<_> = answer["Entries"].as_array().unwrap().iter().map(|it| &it["ErrorCode"]).collect();
        let expected =
            ["InternalFailure", "MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument"];
        assert_eq!(codes[..4], expected.map(Value::from).iter().collect::<Vec<_>>());
        assert!(answer["Entries"][4]["EventId"].is_string());
        assert_eq!(bus.events().len(), 1);
    }

    #[test]
    fn an_event_has_the_time_and_the_resources_of_its_entry() {
        let bus = Bus::default();
        let mut given = entry("{}");
        given["Time"] = json!(1_700_000_000.5);
        given["Resources"] = json!(["arn:aws:s3:::b"]);
        put(&bus, &json!([given]), &mut Vec::new()).unwrap();
        let [event] = &bus.events()[..] else { panic!("{:?}", bus.events()) };
        assert_eq!(
            (&event["time"], &event["resources"][0]),
            (&json!("2023-11-14T22:13:20Z"), &json!("arn:aws:s3:::b"))
        );
    }

    #[test]
    fn a_request_has_one_to_ten_entries_and_less_than_256_kilobytes() {
        let bus = Bus::default();
        for entries in [json!([]), Value::from(vec![entry("{}"); 11])] {
            assert_eq!(put(&bus, &entries, &mut Vec::new()).unwrap_err().code, "ValidationException");
        }
        let large = entry(&format!("{{\"a\": \"{}\"}}", "x".repeat(BYTES / 2)));
        assert!(put(&bus, &json!([large]), &mut Vec::new()).is_ok());
        assert!(put(&bus, &json!([large, large]), &mut Vec::new()).is_err());
    }
}
