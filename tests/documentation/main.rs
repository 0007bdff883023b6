//! The documents, held to what they are about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;

use local_stack::in_process::BINARIES;
use local_stack::template::Template;
use models::{ErrorName, Kind};
use muster_tests::root;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The part of a document under a heading.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let begin = document.find(heading).unwrap_or_else(|| panic!("no heading {heading}")) + heading.len();
    let rest = &document[begin..];
    &rest[..rest.find("\n#").unwrap_or(rest.len())]
}

/// The rows of a section's table, without its header.
fn rows(section: &str) -> BTreeSet<String> {
    section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

/// What the rows of a section's tables begin with, in their order.
fn names(section: &str) -> Vec<String> {
    let name = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned());
    section.lines().filter_map(name).collect()
}

fn row(name: &str, default: &str, description: &str) -> String {
    let default = if default.is_empty() { String::new() } else { format!(" {default}") };
    format!("| `{name}` |{default} | {description} |")
}

#[test]
fn the_readme_lists_every_parameter_of_the_template_as_the_template_has_it() {
    let template = Template::parse(&read("template.yaml")).unwrap();
    let expected: BTreeSet<String> = template
        .parameters()
        .iter()
        .map(|(name, parameter)| {
            let default = match &parameter["Default"] {
                serde_json::Value::String(text) if text.is_empty() => String::new(),
                serde_json::Value::String(text) => format!("`{text}`"),
                other => format!("`{other}`"),
            };
            row(name, &default, parameter["Description"].as_str().unwrap())
        })
        .collect();
    assert_eq!(rows(section(&read("README.md"), "### Parameters of the stack")), expected);
}

#[test]
fn the_readme_lists_every_variable_that_a_function_reads() {
    let expected: BTreeSet<String> = BINARIES
        .iter()
        .flat_map(|(_, variables)| *variables)
        .map(|variable| {
            let default = match variable.default {
                None => "required".to_owned(),
                Some("") => String::new(),
                Some(default) => format!("`{default}`"),
            };
            row(variable.name, &default, variable.description)
        })
        .collect();
    assert_eq!(rows(section(&read("README.md"), "### Variables of the functions")), expected);
}

#[test]
fn the_first_screen_of_the_readme_has_both_names_and_both_commands() {
    let readme = read("README.md");
    let paragraph = readme.lines().nth(2).unwrap();
    assert!(paragraph.contains("declarative policies") && paragraph.contains("EC2 policies"), "{paragraph}");
    let first: Vec<&str> = readme.lines().take(20).collect();
    for command in ["cargo muster run", "cargo test --workspace"] {
        assert!(first.iter().any(|line| line.starts_with(command)), "{command}");
    }
}

#[test]
fn the_runbook_has_every_error_name_and_a_page_for_every_alarm() {
    let errors = read("docs/runbook/errors.md");
    for name in ErrorName::ALL {
        assert!(errors.contains(&format!("| `{name}` |")), "{name}");
    }
    let index = read("docs/runbook/README.md");
    let headings = |page: &str| -> Vec<String> {
        page.lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect()
    };
    let of_every_alarm = headings(&read("docs/runbook/RunFailed.md"));
    assert!(of_every_alarm.len() > 3);
    let template = read("template.yaml");
    let lines: Vec<&str> = template.lines().collect();
    let alarms = lines.windows(2).filter(|pair| pair[1].trim() == "Type: AWS::CloudWatch::Alarm");
    let alarms: Vec<&str> = alarms.map(|pair| pair[0].trim().trim_end_matches(':')).collect();
    assert!(!alarms.is_empty());
    for alarm in alarms {
        assert!(index.contains(&format!("[{alarm}]({alarm}.md)")), "{alarm}");
        let page = read(&format!("docs/runbook/{alarm}.md"));
        assert!(page.starts_with(&format!("# {alarm}\n")), "{alarm}");
        assert_eq!(headings(&page), of_every_alarm, "{alarm}");
    }
}

#[test]
fn the_columns_of_the_table_are_documented_in_their_order() {
    let page = read("docs/declarative-policies-report.md");
    let documented = names(section(&page, "## Evidence"));
    let columns: Vec<String> = account_status::COLUMNS.iter().map(|column| column.name.to_owned()).collect();
    assert_eq!(documented, columns);
}

#[test]
fn the_columns_of_every_table_of_an_inventory_are_documented_in_their_order() {
    let page = read("docs/organization-inventory.md");
    let documented: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert_eq!(documented, organization_inventory::TABLES.map(|table| table.name));
    for table in organization_inventory::TABLES {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names(section(&page, &format!("### `{}`\n", table.name))), columns, "{}", table.name);
    }
}

/// What the page of every kind has.
const OF_A_KIND: [&str; 9] = [
    "Example",
    "Request",
    "Steps",
    "Result",
    "Evidence",
    "What is known, and what is not",
    "When it fails",
    "Permissions",
    "What it takes",
];

#[test]
fn every_kind_has_a_page_and_the_readme_leads_to_it() {
    let readme = read("README.md");
    for kind in Kind::ALL {
        assert!(readme.contains(&format!("| `{kind}` |")), "{kind}");
        assert!(readme.contains(&format!("(docs/{kind}.md)")), "{kind}");
        let page = read(&format!("docs/{kind}.md"));
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, OF_A_KIND, "{kind}");
    }
}

#[test]
fn every_reason_for_what_is_unknown_is_documented_and_no_other() {
    let page = read("docs/declarative-policies-report.md");
    let documented = names(section(&page, "## What is unknown, and why"));
    assert_eq!(documented, account_status::reasons::ALL);
}

/// The README, and every page beside it.
fn documents() -> Vec<String> {
    let of = |folder: &str| -> Vec<String> {
        let pages = std::fs::read_dir(root().join(folder)).unwrap();
        let pages = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
        let pages = pages.filter(|name| name.ends_with(".md") && !name.starts_with('.'));
        pages.map(|name| format!("{folder}/{name}")).collect()
    };
    let mut documents: Vec<String> = ["docs", "docs/runbook"].into_iter().flat_map(of).collect();
    documents.extend(["README.md", "ARCHITECTURE.md"].map(str::to_owned));
    documents.sort();
    documents
}

#[test]
fn the_readme_leads_to_every_page() {
    let readme = read("README.md");
    let documents = documents();
    assert!(documents.len() > 8, "{documents:?}");
    let runbook = read("docs/runbook/README.md");
    for document in documents.iter().filter(|document| *document != "README.md") {
        let leads_there = match document.strip_prefix("docs/runbook/") {
            Some(page) if page != "README.md" => runbook.contains(&format!("]({page}")),
            _ => readme.contains(&format!("]({document})")),
        };
        assert!(leads_there, "{document}");
    }
}

/// A heading as the address of its section: as GitHub makes it.
fn anchor(heading: &str) -> String {
    let letter = |it: char| match it {
        ' ' => Some('-'),
        it if it.is_alphanumeric() || it == '-' || it == '_' => Some(it.to_ascii_lowercase()),
        _ => None,
    };
    heading.chars().filter_map(letter).collect()
}

/// The addresses of a document's sections.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter_map(|line| line.strip_prefix('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    for document in documents() {
        let text = read(&document);
        let folder = root().join(&document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (path, section) = link.split_once('#').unwrap_or((link, ""));
            let there = match path {
                "" => folder.clone(),
                path => folder.parent().unwrap_or(Path::new("")).join(path),
            };
            assert!(there.exists(), "{document} links to {link}");
            if !section.is_empty() {
                let sections = anchors(&std::fs::read_to_string(&there).unwrap());
                assert!(sections.contains(section), "{document} links to {link}; there are {sections:?}");
            }
        }
    }
}
