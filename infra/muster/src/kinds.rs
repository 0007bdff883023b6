//! The kinds of job, as the command line knows them: one entry for each.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use models::Kind;

/// What is known of a kind besides what its runs tell by themselves.
#[derive(Debug)]
pub(crate) struct Known {
    pub kind: Kind,
    /// The output of the stack that is its state machine.
    pub machine: &'static str,
    /// What one of its runs, or somebody else's, is called.
    pub job: &'static str,
    /// Functions that one of its runs has at work at once, at the most.
    pub at_once: i32,
    pub estimate: Estimate,
    /// Members of the result of a run with lanes that are shown, by JSON Pointer: a text with its label,
    /// a number with what it counts.
    pub facts: &'static [(&'static str, &'static str)],
    /// Columns whose values are counted: label, table, column.
    pub counts: &'static [(&'static str, &'static str, &'static str)],
}

/// What can be said of a run before it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Estimate {
    /// The plan tells; or else, why it cannot.
    Planned { unless: &'static str },
    /// No run is needed to say this.
    Always(&'static str),
}

pub(crate) const KINDS: &[Known] = &[
    Known {
        kind: Kind::DeclarativePoliciesReport,
        machine: "ReportStateMachineArn",
        job: "report",
        at_once: 1,
        estimate: Estimate::Always(
            "One call starts the report, and AWS takes minutes to hours for it; nothing tells beforehand how long. \
             Muster asks at growing intervals, at most 75 times in 12 hours. A report of 90 minutes takes 127 state \
             transitions and 42 invocations, $0.0032 at the list prices of us-east-1. AWS names no charge for the \
             report itself that we have found. With --request '{\"dryRun\": true}', AWS says whether it would start.",
        ),
        facts: &[],
        counts: &[],
    },
    Known {
        kind: Kind::OrganizationInventory,
        machine: "InventoryStateMachineArn",
        job: "inventory",
        at_once: 6,
        estimate: Estimate::Planned {
            unless: "none: no inventory of the last 90 days is published that would tell how large the organization is",
        },
        facts: &[
            ("org", "/organizationId"),
            ("accounts", "/accounts"),
            ("units", "/organizationalUnits"),
            ("policies", "/policies"),
            ("requests for accounts", "/accountRequests"),
        ],
        counts: &[("policies", "policies", "type"), ("effective", "effective_policies", "source")],
    },
    Known {
        kind: Kind::OrganizationsAccessReport,
        machine: "AccessReportStateMachineArn",
        job: "access report",
        at_once: 1,
        estimate: Estimate::Planned {
            unless: "none: an inventory comes first, and tells what there is to report on",
        },
        facts: &[
            ("inventory", "/inventory/runId"),
            ("mode", "/mode"),
            ("reports were due", "/expectedItems"),
            ("have data", "/itemsWithData"),
            ("are left to the next run", "/carriedOver"),
            ("were left out on request", "/excluded/count"),
        ],
        counts: &[("services", "service_access", "conclusion")],
    },
    Known {
        kind: Kind::PolicyGeneration,
        machine: "PolicyGenerationStateMachineArn",
        job: "policy generation",
        at_once: 100,
        estimate: Estimate::Planned {
            unless: "none: an inventory comes first, or no account that was asked has the member role",
        },
        facts: &[
            ("inventory", "/inventory/runId"),
            ("management", "/managementAccount"),
            ("accounts", "/accounts"),
            ("could be read", "/accountsRead"),
            ("principals", "/principals"),
            ("without activity", "/noActivity"),
            ("were due", "/due"),
            ("policies generated", "/generated"),
            ("failed", "/failed"),
            ("are left to the next run", "/carriedOver"),
        ],
        counts: &[("policies", "generated_policies", "status"), ("access", "principal_access", "conclusion")],
    },
    Known {
        kind: Kind::OrganizationSetup,
        machine: "SetupStateMachineArn",
        job: "change of the set-up",
        at_once: 1,
        estimate: Estimate::Always(
            "A plan reads each object that it names, some calls for each; applying one makes a call for each change, at \
             most one or two a second, and waits until AWS shows it: seconds to minutes. With --request \
             '{\"dryRun\": true, …}', the plan is told and not kept.",
        ),
        facts: CHANGES,
        counts: &[("changes", "organization_changes", "status")],
    },
    Known {
        kind: Kind::OrganizationPolicies,
        machine: "PoliciesStateMachineArn",
        job: "change of policies",
        at_once: 1,
        estimate: Estimate::Always(
            "A plan reads the policies of each type that it names, and AWS's effective policy of each class of accounts \
             that it changes. Applying one makes at most one call a second, then reads the effective policy of every \
             account that it changes: about 2.5 a second, 10,000 accounts in 70 minutes. With --request \
             '{\"dryRun\": true, …}', the plan is told and not kept.",
        ),
        facts: CHANGES,
        counts: &[("changes", "organization_changes", "status"), ("effects", "policy_effects", "effect")],
    },
    Known {
        kind: Kind::OrganizationAccounts,
        machine: "AccountsStateMachineArn",
        job: "batch of accounts",
        at_once: 5,
        estimate: Estimate::Planned { unless: "none: nothing is to be asked for" },
        facts: &[
            ("accounts were wished for", "/accounts"),
            ("were created", "/created"),
            ("were found", "/found"),
            ("exist already, from elsewhere", "/alreadyExist"),
            ("could not be had", "/failed"),
            ("are overdue", "/overdue"),
            ("enrolment", "/enrolment"),
        ],
        counts: &[("accounts", "account_creations", "status")],
    },
    Known {
        kind: Kind::Findings,
        machine: "FindingsStateMachineArn",
        job: "run of findings",
        at_once: 4,
        estimate: Estimate::Always(
            "Findings are made of what is published, in seconds to minutes, and ask AWS nothing. What is too old is \
             run first: the estimate of each of those kinds says what it takes. With --request '{\"dryRun\": true}', \
             the run says which those are; with '{\"refresh\": \"none\"}' there are none.",
        ),
        facts: &[],
        counts: &[("findings", "findings", "severity")],
    },
];

/// What every kind that changes the organization tells of a run.
const CHANGES: &[(&str, &str)] = &[
    ("plan", "/plan"),
    ("digest", "/digest"),
    ("changes", "/changes"),
    ("waves", "/waves"),
    ("warnings", "/warnings"),
    ("made", "/made"),
];

/// What is known of a kind. Every kind is in the table: a test holds it to [`Kind::ALL`].
pub(crate) fn known(kind: Kind) -> Option<&'static Known> {
    KINDS.iter().find(|known| known.kind == kind)
}

/// What a run of the kind of this name is called, in general where it is of another version.
pub(crate) fn job(kind: Option<&str>) -> &'static str {
    KINDS.iter().find(|known| Some(known.kind.as_str()) == kind).map_or("job", |known| known.job)
}

/// Reads a kind as it is typed.
pub(crate) fn parser() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(KINDS.iter().map(|known| known.kind.as_str())).try_map(|name| {
        KINDS.iter().map(|known| known.kind).find(|kind| kind.as_str() == name).ok_or("there is no such kind")
    })
}

/// Reads a kind that plans and makes changes, as it is typed.
pub(crate) fn changing() -> impl TypedValueParser<Value = Kind> {
    const CHANGING: [Kind; 2] = [Kind::OrganizationSetup, Kind::OrganizationPolicies];
    PossibleValuesParser::new(CHANGING.map(Kind::as_str)).try_map(|name| {
        CHANGING.into_iter().find(|kind| kind.as_str() == name).ok_or("there is no such kind")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_table_once() {
        assert_eq!(KINDS.iter().map(|known| known.kind).collect::<Vec<_>>(), Kind::ALL);
    }

    #[test]
    fn every_state_machine_of_the_template_is_of_a_kind() {
        let template = include_str!("../../../template.yaml");
        let outputs = template.lines().filter_map(|line| line.trim().strip_suffix("StateMachineArn:"));
        let outputs: Vec<_> = outputs.map(|name| format!("{name}StateMachineArn")).collect();
        assert!(outputs.len() > 1, "{outputs:?}");
        for output in outputs {
            assert_eq!(KINDS.iter().filter(|known| known.machine == output).count(), 1, "{output}");
        }
    }

    #[test]
    fn a_run_of_a_kind_of_another_version_is_a_job() {
        assert_eq!(job(Some("organization-inventory")), "inventory");
        assert_eq!([job(Some("something-new")), job(None)], ["job", "job"]);
    }
}
