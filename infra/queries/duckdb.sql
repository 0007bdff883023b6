-- The tables and views of the catalog, for DuckDB: of the folder that `cargo muster run` writes, or of
-- what the variable `tables` names, such as s3://BUCKET/tables. Made with the template's catalog
-- (tests/repository/tables.rs).
--
-- A table that nothing has been published in has no files, and is empty. Once it has, read this again.
SET VARIABLE tables = coalesce(getvariable('tables'), 'muster-out/*/tables');
-- As Athena shows them.
SET TimeZone = 'UTC';

SET VARIABLE runs = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/runs/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "kind", NULL::VARCHAR AS "item", NULL::BIGINT AS "attempt",
    NULL::TIMESTAMPTZ AS "started_at", NULL::TIMESTAMPTZ AS "finished_at", NULL::TIMESTAMPTZ AS "observed_at",
    NULL::BIGINT AS "expected_accounts", NULL::BIGINT AS "seen_accounts", NULL::BOOLEAN AS "complete",
    NULL::BIGINT AS "rows", NULL::VARCHAR AS "manifest", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/runs/*/*.parquet'));
CREATE OR REPLACE VIEW runs AS SELECT * FROM query(getvariable('runs'));

SET VARIABLE item_outcomes = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/item_outcomes/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "kind", NULL::VARCHAR AS "lane", NULL::VARCHAR AS "item",
    NULL::VARCHAR AS "status", NULL::TIMESTAMPTZ AS "at", NULL::VARCHAR AS "error", NULL::VARCHAR AS "cause",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/item_outcomes/*/*.parquet'));
CREATE OR REPLACE VIEW item_outcomes AS SELECT * FROM query(getvariable('item_outcomes'));

SET VARIABLE account_status = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/account_status/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "region",
    NULL::VARCHAR AS "attribute", NULL::VARCHAR AS "value", NULL::VARCHAR AS "raw_value",
    NULL::BOOLEAN AS "readable", NULL::VARCHAR AS "reason", NULL::TIMESTAMPTZ AS "observed_at",
    NULL::VARCHAR AS "layout_hash", NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/account_status/*/*.parquet'));
CREATE OR REPLACE VIEW account_status AS SELECT * FROM query(getvariable('account_status'));

SET VARIABLE findings = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/findings/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "finding_id", NULL::VARCHAR AS "kind",
    NULL::VARCHAR AS "severity", NULL::VARCHAR AS "status", NULL::VARCHAR AS "entity_type",
    NULL::VARCHAR AS "entity_id", NULL::VARCHAR AS "entity_name", NULL::VARCHAR AS "attribute",
    NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "owner", NULL::VARCHAR AS "text",
    NULL::VARCHAR AS "details", NULL::VARCHAR AS "remedy", NULL::VARCHAR AS "evidence_kind",
    NULL::VARCHAR AS "evidence_run_id", NULL::VARCHAR AS "evidence_table", NULL::VARCHAR AS "evidence_filter",
    NULL::TIMESTAMPTZ AS "observed_at", NULL::BOOLEAN AS "evidence_complete",
    NULL::VARCHAR AS "evidence_missing", NULL::TIMESTAMPTZ AS "first_seen_at",
    NULL::TIMESTAMPTZ AS "last_seen_at", NULL::BIGINT AS "runs", NULL::VARCHAR AS "state",
    NULL::BOOLEAN AS "excepted", NULL::VARCHAR AS "exception_reason", NULL::VARCHAR AS "exception_owner",
    NULL::VARCHAR AS "exception_expires", NULL::VARCHAR AS "title", NULL::TIMESTAMPTZ AS "decided_at",
    NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/findings/*/*.parquet'));
CREATE OR REPLACE VIEW findings AS SELECT * FROM query(getvariable('findings'));

SET VARIABLE account_creations = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/account_creations/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "item", NULL::VARCHAR AS "email", NULL::VARCHAR AS "name",
    NULL::BOOLEAN AS "gov_cloud", NULL::VARCHAR AS "wished_parent", NULL::VARCHAR AS "status",
    NULL::VARCHAR AS "request_id", NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "gov_cloud_account_id",
    NULL::VARCHAR AS "parent", NULL::VARCHAR AS "failure_reason", NULL::VARCHAR AS "failure_class",
    NULL::VARCHAR AS "error", NULL::VARCHAR AS "cause", NULL::VARCHAR AS "remedy", NULL::VARCHAR AS "digest",
    NULL::TIMESTAMPTZ AS "requested_at", NULL::TIMESTAMPTZ AS "completed_at",
    NULL::TIMESTAMPTZ AS "active_at", NULL::TIMESTAMPTZ AS "ended_at", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/account_creations/*/*.parquet'));
CREATE OR REPLACE VIEW account_creations AS SELECT * FROM query(getvariable('account_creations'));

SET VARIABLE accounts = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/accounts/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "arn", NULL::VARCHAR AS "name",
    NULL::VARCHAR AS "email", NULL::VARCHAR AS "state", NULL::BOOLEAN AS "is_management_account",
    NULL::VARCHAR AS "path", NULL::VARCHAR AS "parent_id", NULL::TIMESTAMPTZ AS "joined_at",
    NULL::VARCHAR AS "joined_method", NULL::VARCHAR AS "tags", NULL::TIMESTAMPTZ AS "read_at",
    NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/accounts/*/*.parquet'));
CREATE OR REPLACE VIEW accounts AS SELECT * FROM query(getvariable('accounts'));

SET VARIABLE account_requests = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/account_requests/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "request_id", NULL::VARCHAR AS "account_name",
    NULL::VARCHAR AS "state", NULL::TIMESTAMPTZ AS "requested_at", NULL::TIMESTAMPTZ AS "completed_at",
    NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "gov_cloud_account_id", NULL::VARCHAR AS "failure_reason",
    NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/account_requests/*/*.parquet'));
CREATE OR REPLACE VIEW account_requests AS SELECT * FROM query(getvariable('account_requests'));

SET VARIABLE organization_units = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/organization_units/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "unit_id", NULL::VARCHAR AS "arn", NULL::VARCHAR AS "name",
    NULL::VARCHAR AS "parent_id", NULL::VARCHAR AS "path", NULL::BIGINT AS "accounts",
    NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/organization_units/*/*.parquet'));
CREATE OR REPLACE VIEW organization_units AS SELECT * FROM query(getvariable('organization_units'));

SET VARIABLE roots = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/roots/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "organization_id", NULL::VARCHAR AS "organization_arn",
    NULL::VARCHAR AS "feature_set", NULL::VARCHAR AS "management_account_id", NULL::VARCHAR AS "root_id",
    NULL::VARCHAR AS "arn", NULL::VARCHAR AS "name", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/roots/*/*.parquet'));
CREATE OR REPLACE VIEW roots AS SELECT * FROM query(getvariable('roots'));

SET VARIABLE policy_types = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/policy_types/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "root_id", NULL::VARCHAR AS "type", NULL::VARCHAR AS "status",
    NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/policy_types/*/*.parquet'));
CREATE OR REPLACE VIEW policy_types AS SELECT * FROM query(getvariable('policy_types'));

SET VARIABLE policies = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/policies/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "policy_id", NULL::VARCHAR AS "arn", NULL::VARCHAR AS "name",
    NULL::VARCHAR AS "description", NULL::VARCHAR AS "type", NULL::BOOLEAN AS "aws_managed",
    NULL::VARCHAR AS "content", NULL::BIGINT AS "size", NULL::BIGINT AS "size_quota",
    NULL::BIGINT AS "targets", NULL::VARCHAR AS "error", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/policies/*/*.parquet'));
CREATE OR REPLACE VIEW policies AS SELECT * FROM query(getvariable('policies'));

SET VARIABLE policy_attachments = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/policy_attachments/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "policy_id", NULL::VARCHAR AS "type",
    NULL::VARCHAR AS "target_id", NULL::VARCHAR AS "target_type", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/policy_attachments/*/*.parquet'));
CREATE OR REPLACE VIEW policy_attachments AS SELECT * FROM query(getvariable('policy_attachments'));

SET VARIABLE effective_policies = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/effective_policies/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "type",
    NULL::VARCHAR AS "source", NULL::VARCHAR AS "derived_from", NULL::VARCHAR AS "status",
    NULL::VARCHAR AS "content", NULL::TIMESTAMPTZ AS "updated_at", NULL::VARCHAR AS "validity",
    NULL::VARCHAR AS "error", NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/effective_policies/*/*.parquet'));
CREATE OR REPLACE VIEW effective_policies AS SELECT * FROM query(getvariable('effective_policies'));

SET VARIABLE effective_policy_errors = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/effective_policy_errors/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "type",
    NULL::VARCHAR AS "code", NULL::VARCHAR AS "message", NULL::VARCHAR AS "path", NULL::VARCHAR AS "policies",
    NULL::TIMESTAMPTZ AS "evaluated_at", NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/effective_policy_errors/*/*.parquet'));
CREATE OR REPLACE VIEW effective_policy_errors AS SELECT * FROM query(getvariable('effective_policy_errors'));

SET VARIABLE policy_effects = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/policy_effects/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "plan_run_id", NULL::VARCHAR AS "type",
    NULL::VARCHAR AS "account_id", NULL::BIGINT AS "wave", NULL::VARCHAR AS "attribute",
    NULL::VARCHAR AS "effect", NULL::VARCHAR AS "before", NULL::VARCHAR AS "after",
    NULL::VARCHAR AS "unknown_because", NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/policy_effects/*/*.parquet'));
CREATE OR REPLACE VIEW policy_effects AS SELECT * FROM query(getvariable('policy_effects'));

SET VARIABLE organization_changes = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/organization_changes/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "kind", NULL::VARCHAR AS "plan_run_id",
    NULL::VARCHAR AS "plan_digest", NULL::BIGINT AS "wave", NULL::BIGINT AS "number",
    NULL::VARCHAR AS "operation", NULL::VARCHAR AS "object", NULL::VARCHAR AS "why",
    NULL::VARCHAR AS "status", NULL::VARCHAR AS "before", NULL::VARCHAR AS "after",
    NULL::TIMESTAMPTZ AS "made_at", NULL::BOOLEAN AS "answer_lost", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/organization_changes/*/*.parquet'));
CREATE OR REPLACE VIEW organization_changes AS SELECT * FROM query(getvariable('organization_changes'));

SET VARIABLE service_access = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/service_access/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "item", NULL::VARCHAR AS "entity_id",
    NULL::VARCHAR AS "entity_type", NULL::VARCHAR AS "entity_path", NULL::VARCHAR AS "policy_id",
    NULL::BOOLEAN AS "policy_ignored", NULL::VARCHAR AS "service_namespace", NULL::VARCHAR AS "service_name",
    NULL::TIMESTAMPTZ AS "last_authenticated_at", NULL::VARCHAR AS "last_authenticated_region",
    NULL::VARCHAR AS "last_authenticated_entity_path", NULL::VARCHAR AS "last_authenticated_account_id",
    NULL::BIGINT AS "accounts_used", NULL::BIGINT AS "accounts_in_scope",
    NULL::BIGINT AS "tracking_period_at_least_days", NULL::BIGINT AS "activity_shows_within_hours",
    NULL::TIMESTAMPTZ AS "observed_at", NULL::VARCHAR AS "conclusion", NULL::VARCHAR AS "unknown_because",
    NULL::VARCHAR AS "caveats", NULL::VARCHAR AS "job_id", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/service_access/*/*.parquet'));
CREATE OR REPLACE VIEW service_access AS SELECT * FROM query(getvariable('service_access'));

SET VARIABLE generated_policies = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/generated_policies/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "principal_arn",
    NULL::VARCHAR AS "principal_id", NULL::VARCHAR AS "principal_type", NULL::VARCHAR AS "path",
    NULL::TIMESTAMPTZ AS "created_at", NULL::VARCHAR AS "status", NULL::VARCHAR AS "unknown_because",
    NULL::VARCHAR AS "error", NULL::VARCHAR AS "error_text", NULL::TIMESTAMPTZ AS "last_activity_at",
    NULL::VARCHAR AS "activity_sources", NULL::TIMESTAMPTZ AS "no_activity_since",
    NULL::TIMESTAMPTZ AS "valid_policy_at", NULL::VARCHAR AS "valid_policy_run_id",
    NULL::BIGINT AS "granted_services", NULL::BIGINT AS "used_services", NULL::BIGINT AS "unused_services",
    NULL::BIGINT AS "unknown_services", NULL::BIGINT AS "window_days", NULL::VARCHAR AS "window_regions",
    NULL::TIMESTAMPTZ AS "window_start_at", NULL::TIMESTAMPTZ AS "window_end_at", NULL::VARCHAR AS "job_id",
    NULL::TIMESTAMPTZ AS "ordered_at", NULL::TIMESTAMPTZ AS "started_at", NULL::TIMESTAMPTZ AS "completed_at",
    NULL::VARCHAR AS "is_complete", NULL::BIGINT AS "policies", NULL::BIGINT AS "policies_with_placeholders",
    NULL::BIGINT AS "service_level_templates", NULL::BIGINT AS "placeholders",
    NULL::BIGINT AS "policies_without_statements", NULL::BIGINT AS "findings_error",
    NULL::BIGINT AS "findings_security_warning", NULL::BIGINT AS "findings_warning",
    NULL::BIGINT AS "findings_suggestion", NULL::BIGINT AS "findings_other", NULL::VARCHAR AS "no_new_access",
    NULL::VARCHAR AS "documents", NULL::BIGINT AS "present_inline", NULL::BIGINT AS "present_attached",
    NULL::BIGINT AS "present_group_inline", NULL::BIGINT AS "present_group_attached",
    NULL::BIGINT AS "present_boundary", NULL::BIGINT AS "present_without_document", NULL::VARCHAR AS "tags",
    NULL::TIMESTAMPTZ AS "observed_at", NULL::VARCHAR AS "caveats", NULL::BIGINT AS "schema_version",
    NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/generated_policies/*/*.parquet'));
CREATE OR REPLACE VIEW generated_policies AS SELECT * FROM query(getvariable('generated_policies'));

SET VARIABLE principal_access = (SELECT if(count(*) > 0,
  'SELECT * FROM read_parquet(getvariable(''tables'') || ''/principal_access/*/*.parquet'',
    hive_partitioning = true, hive_types = {''run_date'': VARCHAR}, union_by_name = true)',
  'SELECT
    NULL::VARCHAR AS "run_id", NULL::VARCHAR AS "account_id", NULL::VARCHAR AS "principal_arn",
    NULL::VARCHAR AS "principal_id", NULL::VARCHAR AS "service_namespace", NULL::VARCHAR AS "service_name",
    NULL::VARCHAR AS "action_name", NULL::BOOLEAN AS "actions_tracked", NULL::TIMESTAMPTZ AS "last_used_at",
    NULL::VARCHAR AS "last_used_region", NULL::VARCHAR AS "granted_by", NULL::VARCHAR AS "conclusion",
    NULL::VARCHAR AS "unknown_because", NULL::BIGINT AS "tracking_period_at_least_days",
    NULL::BIGINT AS "activity_shows_within_hours", NULL::TIMESTAMPTZ AS "observed_at",
    NULL::BIGINT AS "schema_version", NULL::VARCHAR AS "run_date"
    WHERE false')
FROM glob(getvariable('tables') || '/principal_access/*/*.parquet'));
CREATE OR REPLACE VIEW principal_access AS SELECT * FROM query(getvariable('principal_access'));

CREATE OR REPLACE VIEW latest_runs AS
SELECT runs.* FROM runs JOIN ( SELECT max_by(run_id, coalesce(observed_at, finished_at)) AS run_id FROM runs GROUP BY kind, item ) newest ON runs.run_id = newest.run_id;

CREATE OR REPLACE VIEW latest_item_outcomes AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM item_outcomes said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_account_status AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM account_status said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_findings AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM findings said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_account_creations AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM account_creations said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_accounts AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM accounts said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_account_requests AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM account_requests said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_organization_units AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM organization_units said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_roots AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM roots said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_policy_types AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM policy_types said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_policies AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM policies said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_policy_attachments AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM policy_attachments said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_effective_policies AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM effective_policies said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_effective_policy_errors AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM effective_policy_errors said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_policy_effects AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM policy_effects said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_organization_changes AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM organization_changes said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_service_access AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM service_access said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_generated_policies AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM generated_policies said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_principal_access AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM principal_access said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

