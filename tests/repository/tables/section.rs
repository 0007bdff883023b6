//! What the catalog is made of: the template's resources, and DuckDB's views of the same names.

use std::fmt::Write;

use table::{Kind, Table};

use super::{in_sql, read, type_of};

/// Where the catalog begins and ends in the template.
pub(super) const BEGIN: &str =
    "  # --- the catalog ---------------------------------------------------------------------------------\n";
pub(super) const END: &str =
    "  # --- end of the catalog --------------------------------------------------------------------------\n";

/// The only partition key: the day of the run.
pub(super) const PARTITION: &str = "run_date";

/// The table that every view starts from.
const RUNS: &str = "runs";

/// What lines of the template hold.
const WIDTH: usize = 110;

/// A saved query.
pub(super) struct Query {
    /// Of its file, and behind the stack's of the saved query.
    pub(super) name: String,
    pub(super) sql: String,
}

impl Query {
    /// The question in its first line.
    fn question(&self) -> &str {
        self.sql.lines().next().unwrap().trim_start_matches("-- ")
    }
}

/// The columns of a table's view, with the types of Athena's tables.
pub(super) fn view_columns(table: &Table) -> Vec<(&'static str, &'static str)> {
    let mut columns: Vec<_> =
        table.columns.iter().map(|column| (column.name, type_of(column.kind))).collect();
    columns.push((PARTITION, type_of(Kind::Text)));
    if table.name != RUNS {
        columns.extend([
            ("run_item", type_of(Kind::Text)),
            ("run_finished_at", type_of(Kind::Timestamp)),
            ("run_complete", type_of(Kind::Boolean)),
        ]);
    }
    columns
}

/// What a table's view selects: the file's statement without its comments, in one line.
pub(super) fn view_sql(table: &str) -> String {
    let file = if table == RUNS { "latest_runs" } else { "latest" };
    let sql = read(&format!("infra/queries/views/{file}.sql")).replace("{table}", table);
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Items in lines that are as long as they may be, each behind `indent`.
fn wrapped(items: impl IntoIterator<Item = String>, separator: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        let item = if items.peek().is_some() { format!("{item}{separator}") } else { item };
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            *line = item;
        } else if indent + line.len() + 1 + item.len() <= WIDTH {
            write!(line, " {item}").unwrap();
        } else {
            lines.push(item);
        }
    }
    lines.iter().fold(String::new(), |text, line| text + &" ".repeat(indent) + line + "\n")
}

/// `policy_types` as `PolicyTypes`.
fn camel(name: &str) -> String {
    name.split(['_', '-']).fold(String::new(), |text, word| text + &word[..1].to_uppercase() + &word[1..])
}

fn glue_columns<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let items = columns.into_iter().map(|(name, kind)| format!("{{ Name: {name}, Type: {kind} }}"));
    format!("          Columns: [\n{}          ]\n", wrapped(items, ",", 12))
}

fn table(table: &Table) -> String {
    let Table { name, columns } = table;
    let columns = glue_columns(columns.iter().map(|column| (column.name, type_of(column.kind))));
    format!(
        r#"  {logical}Table:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Catalog
      TableInput:
        Name: {name}
        TableType: EXTERNAL_TABLE
        PartitionKeys: [{{ Name: {PARTITION}, Type: string }}]
        Parameters:
          EXTERNAL: "TRUE"
          classification: parquet
          projection.enabled: "true"
          projection.{PARTITION}.type: date
          projection.{PARTITION}.format: yyyy-MM-dd
          projection.{PARTITION}.range: 2026-01-01,NOW
          storage.location.template: !Sub "s3://${{Bucket}}/tables/{name}/{PARTITION}=${{!{PARTITION}}}/"
        StorageDescriptor:
          Location: !Sub "s3://${{Bucket}}/tables/{name}/"
          InputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat
          OutputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat
          SerdeInfo: {{ SerializationLibrary: org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe }}
{columns}
"#,
        logical = camel(name),
    )
}

fn view(table: &Table) -> String {
    let columns = view_columns(table);
    let of_sql =
        columns.iter().map(|(name, kind)| format!(r#"{{"name": "{name}", "type": "{}"}}"#, in_sql(kind)));
    let of_sql = wrapped(of_sql, ",", 16);
    let sql = view_sql(table.name);
    assert!(!sql.contains(['"', '\\', '$']), "{sql} stands in JSON as it is");
    let sql = format!("\"originalSql\": \"{sql}\",");
    let sql = wrapped(sql.split(' ').map(str::to_owned), "", 16);
    format!(
        r#"  Latest{logical}View:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Catalog
      TableInput:
        Name: latest_{name}
        TableType: VIRTUAL_VIEW
        Parameters: {{ presto_view: "true", comment: Presto View }}
        StorageDescriptor:
          SerdeInfo: {{ SerializationLibrary: org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe }}
{glue}        ViewExpandedText: /* Presto View */
        ViewOriginalText: !Sub
          - "/* Presto View: ${{View}} */"
          - View:
              Fn::Base64: !Sub >-
                {{"catalog": "awsdatacatalog", "schema": "${{Catalog}}",
{sql}                "columns": [
{of_sql}                ]}}

"#,
        logical = camel(table.name),
        name = table.name,
        glue = glue_columns(columns),
    )
}

fn query(query: &Query) -> String {
    let sql = query.sql.lines().fold(String::new(), |text, line| {
        let line = if line.is_empty() { String::new() } else { format!("        {line}") };
        text + &line + "\n"
    });
    format!(
        r#"  {logical}Query:
    Type: AWS::Athena::NamedQuery
    Properties:
      Database: !Ref Catalog
      Name: !Sub "${{AWS::StackName}}-{name}"
      Description: "{question}"
      QueryString: |
{sql}
"#,
        logical = camel(&query.name),
        name = query.name,
        question = query.question(),
    )
}

/// The resources between the marks.
pub(super) fn section(tables: &[Table], queries: &[Query]) -> String {
    let mut text = r#"  # Tables and views of what is published, and saved queries, for Athena. Nothing else in this stack
  # needs them: an account that may have none can do without this part. It is made from the code's
  # tables and from infra/queries; tests/repository/tables.rs says how it is made anew.

  Catalog:
    Type: AWS::Glue::Database
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseInput:
        # Glue keeps names in lower case: two stacks whose names differ in case alone share one, and
        # the second is refused.
        Name: !Join ["_", !Split ["-", !Ref AWS::StackName]]
        Description: !Sub "What runs of the stack ${AWS::StackName} published"

"#
    .to_owned();
    text.extend(tables.iter().map(table));
    text += "  # Athena's views are tables of the catalog whose text is a view as Trino writes them (its ViewReaderUtil).\n\n";
    text.extend(tables.iter().map(view));
    text.extend(queries.iter().map(query));
    text
}

fn in_duckdb(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "VARCHAR",
        Kind::Integer => "BIGINT",
        Kind::Timestamp => "TIMESTAMPTZ",
        Kind::Boolean => "BOOLEAN",
    }
}

/// The statements that make the same tables and views for DuckDB.
pub(super) fn duckdb(tables: &[Table]) -> String {
    let mut text = r#"-- The tables and views of the catalog, for DuckDB: of the folder that `cargo muster run` writes, or of
-- what the variable `tables` names, such as s3://BUCKET/tables. Made with the template's catalog
-- (tests/repository/tables.rs).
--
-- A table that nothing has been published in has no files, and is empty. Once it has, read this again.
SET VARIABLE tables = coalesce(getvariable('tables'), 'muster-out/*/tables');
-- As Athena shows them.
SET TimeZone = 'UTC';

"#
    .to_owned();
    for Table { name, columns } in tables {
        let columns = columns.iter().map(|column| (column.name, in_duckdb(column.kind)));
        let columns = columns.chain([(PARTITION, in_duckdb(Kind::Text))]);
        let empty = columns.map(|(name, kind)| format!("NULL::{kind} AS \"{name}\""));
        write!(
            text,
            r"SET VARIABLE {name} = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/{name}/*/*.parquet'',
    hive_partitioning = true, hive_types = {{''{PARTITION}'': VARCHAR}}, union_by_name = true)',
  'SELECT
{empty}    WHERE false')
FROM glob(getvariable('tables') || '/{name}/*/*.parquet'));
CREATE OR REPLACE VIEW {name} AS SELECT * FROM query(getvariable('{name}'));

",
            empty = wrapped(empty, ",", 4),
        )
        .unwrap();
    }
    for Table { name, .. } in tables {
        write!(text, "CREATE OR REPLACE VIEW latest_{name} AS\n{};\n\n", view_sql(name)).unwrap();
    }
    text
}
