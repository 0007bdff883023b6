//! The catalog of what is published, held to the code's tables and to the files of queries.

mod section;

use std::collections::{BTreeMap, BTreeSet};

use aws_smithy_types::base64;
use local_stack::template::Resolved;
use muster_tests::root;
use serde_json::{Value, json};
use table::{Kind, Table};

use crate::stacks::{resolve, template, variants};
use section::{BEGIN, END, PARTITION, Query, duckdb, section, view_columns, view_sql};

/// Every table that a kind publishes. What is missing here is missed by tests/conformance/queries,
/// which looks at what runs published.
fn tables() -> Vec<Table> {
    let mut tables = runtime::tables::TABLES.to_vec();
    tables.push(Table { name: account_status::TABLE, columns: &account_status::COLUMNS });
    tables.extend(findings::TABLES);
    tables.extend(organization_accounts::TABLES);
    tables.extend(organization_inventory::TABLES);
    tables.extend(organization_policies::TABLES);
    tables.extend(organization_setup::TABLES);
    tables.extend(organizations_access_report::TABLES);
    tables.extend(policy_generation::TABLES);
    tables
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The saved queries, by their names.
fn queries() -> Vec<Query> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("infra/queries"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
        .filter(|name| name != "duckdb")
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let sql = read(&format!("infra/queries/{name}.sql"));
            Query { name, sql }
        })
        .collect()
}

fn of_kind<'a>(resolved: &'a Resolved, kind: &str) -> Vec<&'a Value> {
    let resources = resolved.resources.values().filter(|resource| resource.kind == kind);
    resources.map(|resource| &resource.properties).collect()
}

/// The tables or views of a stack, by name.
fn catalog<'a>(resolved: &'a Resolved, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let inputs = of_kind(resolved, "AWS::Glue::Table").into_iter().map(|it| &it["TableInput"]);
    inputs.filter(|it| it["TableType"] == kind).map(|it| (it["Name"].as_str().unwrap(), it)).collect()
}

/// Names and types, in their order.
fn columns(of: &Value, name: &str, kind: &str) -> Vec<(String, String)> {
    let text = |column: &Value, member: &str| column[member].as_str().unwrap().to_owned();
    of.as_array().unwrap().iter().map(|column| (text(column, name), text(column, kind))).collect()
}

/// A type as Athena's tables spell it.
fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Integer => "bigint",
        Kind::Timestamp => "timestamp",
        Kind::Boolean => "boolean",
    }
}

/// The same type as the SQL of its views spells it.
fn in_sql(kind: &str) -> &str {
    match kind {
        "string" => "varchar",
        "timestamp" => "timestamp(3)",
        other => other,
    }
}

/// What the catalog's part of a file is made from; `MUSTER_WRITE_CATALOG=1` writes it.
#[test]
fn the_catalog_is_what_the_code_and_the_queries_make_of_it() {
    let of_template = read("template.yaml");
    let (before, rest) = of_template.split_once(BEGIN).expect("the mark where the catalog begins");
    let (_, after) = rest.split_once(END).expect("the mark where the catalog ends");
    let expected = [before, BEGIN, &section(&tables(), &queries()), END, after].concat();
    for (path, expected) in [("template.yaml", expected), ("infra/queries/duckdb.sql", duckdb(&tables()))] {
        if std::env::var_os("MUSTER_WRITE_CATALOG").is_some() {
            std::fs::write(root().join(path), &expected).unwrap();
        }
        assert!(
            read(path) == expected,
            "{path} is not what the code's tables and infra/queries make of it: \
             MUSTER_WRITE_CATALOG=1 cargo test --package muster-tests --test repository catalog"
        );
    }
}

#[test]
fn each_table_has_the_codes_columns_and_a_partition_for_every_day() {
    for resolved in variants("muster") {
        let bucket = &resolved.outputs["BucketName"];
        let found = catalog(&resolved, "EXTERNAL_TABLE");
        assert_eq!(found.len(), tables().len());
        for table in tables() {
            let input = found[table.name];
            let expected: Vec<_> = table
                .columns
                .iter()
                .map(|column| (column.name.to_owned(), type_of(column.kind).to_owned()))
                .collect();
            assert_eq!(columns(&input["StorageDescriptor"]["Columns"], "Name", "Type"), expected);
            assert_eq!(input["PartitionKeys"], json!([{"Name": "run_date", "Type": "string"}]));
            let parameters = &input["Parameters"];
            assert_eq!(parameters["projection.enabled"], "true");
            assert_eq!(parameters["projection.run_date.type"], "date");
            // Where the code publishes it.
            let run: models::RunId = "20261121T063000Z-9f86d081".parse().unwrap();
            let published = format!("s3://{bucket}/{}", models::keys::table(table.name, &run, 0));
            let template = parameters["storage.location.template"].as_str().unwrap();
            assert!(published.starts_with(&template.replace("${run_date}", "2026-11-21")), "{template}");
            let location = input["StorageDescriptor"]["Location"].as_str().unwrap();
            assert!(location.ends_with('/') && template.starts_with(location), "{location}");
        }
    }
}

#[test]
fn each_view_says_the_same_columns_to_glue_and_to_athena() {
    for stack in ["muster", "Muster-of-two-teams"] {
        let resolved = resolve(&template(), stack, &BTreeMap::new());
        let tables = tables();
        let found = catalog(&resolved, "VIRTUAL_VIEW");
        let expected: BTreeSet<_> = tables.iter().map(|table| format!("latest_{}", table.name)).collect();
        assert_eq!(found.keys().map(|&name| name.to_owned()).collect::<BTreeSet<_>>(), expected);
        for table in &tables {
            let input = found[format!("latest_{}", table.name).as_str()];
            let text = input["ViewOriginalText"].as_str().unwrap();
            let encoded = text.strip_prefix("/* Presto View: ").unwrap().strip_suffix(" */").unwrap();
            let view: Value = serde_json::from_slice(&base64::decode(encoded).unwrap()).unwrap();
            assert_eq!(view["schema"], stack.replace('-', "_"));
            assert_eq!(view["originalSql"], view_sql(table.name));
            let of_glue = columns(&input["StorageDescriptor"]["Columns"], "Name", "Type");
            let of_sql: Vec<_> =
                of_glue.iter().map(|(name, kind)| (name.clone(), in_sql(kind).to_owned())).collect();
            assert_eq!(columns(&view["columns"], "name", "type"), of_sql);
            let names: Vec<_> = of_glue.iter().map(|(name, _)| name.as_str()).collect();
            let own = table.columns.len();
            assert!(names[..own].iter().eq(table.columns.iter().map(|column| &column.name)));
            assert_eq!(names[own], PARTITION);
            assert_eq!(names.len(), view_columns(table).len());
        }
    }
}

#[test]
fn no_column_of_a_table_takes_the_place_of_one_that_its_view_adds() {
    for table in tables() {
        let names: BTreeSet<_> = view_columns(&table).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), view_columns(&table).len(), "{}", table.name);
    }
}

#[test]
fn every_query_is_saved_as_it_is_in_its_file() {
    let queries = queries();
    assert!(queries.len() >= 5, "{}", queries.len());
    for resolved in variants("muster") {
        let saved: BTreeMap<_, _> = of_kind(&resolved, "AWS::Athena::NamedQuery")
            .into_iter()
            .map(|query| (query["Name"].as_str().unwrap(), query))
            .collect();
        assert_eq!(saved.len(), queries.len());
        for Query { name, sql } in &queries {
            let query = saved[format!("muster-{name}").as_str()];
            assert_eq!(query["QueryString"].as_str().unwrap(), sql, "{name}");
            assert_eq!(query["Database"], "muster");
            assert!(query["Description"].as_str().unwrap().ends_with('?'), "{name} asks a question");
        }
    }
}

/// Names of Glue and Athena are the account's and Region's: two stacks share none.
#[test]
fn the_database_is_the_stacks_own() {
    for (stack, database) in [("muster", "muster"), ("muster-of-network", "muster_of_network")] {
        let resolved = resolve(&template(), stack, &BTreeMap::new());
        let databases = of_kind(&resolved, "AWS::Glue::Database");
        assert_eq!(databases.len(), 1);
        assert_eq!(databases[0]["DatabaseInput"]["Name"], database);
        for table in of_kind(&resolved, "AWS::Glue::Table") {
            assert_eq!(table["DatabaseName"], database);
        }
    }
}

#[test]
fn the_page_on_queries_tells_of_every_table_and_every_query() {
    let page = read("docs/queries.md");
    let listed = |heading: &str, mark: &str| -> BTreeSet<String> {
        let (_, rest) = page.split_once(heading).unwrap();
        let rows = rest.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix(mark));
        rows.map(|row| row.split(['`', '.']).next().unwrap().to_owned()).collect()
    };
    let names: BTreeSet<_> = tables().iter().map(|table| table.name.to_owned()).collect();
    assert_eq!(listed("\n## Tables\n", "| `"), names);
    let files: BTreeSet<_> = queries().into_iter().map(|query| query.name).collect();
    assert_eq!(listed("\n## The saved queries\n", "| ["), files);
}
