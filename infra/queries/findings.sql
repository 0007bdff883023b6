-- What is to be acted on: which findings are there, new, changed, resolved, or not observed any more?
--
-- One row for each finding of the newest run of each scope, but for those that are excepted. Resolved are
-- those that the new evidence shows not to be so any more; of those that are not observed, nobody can say.
-- While no findings have been published, one row says so.
SELECT
  finding.status AS finding, finding.severity, finding.kind, finding.entity_type, finding.entity_id,
  finding.entity_name, finding.attribute, finding.account_id, finding.owner, finding.text, finding.remedy,
  finding.first_seen_at, finding.runs, finding.evidence_complete, finding.evidence_run_id,
  finding.evidence_table, finding.evidence_filter, finding.finding_id, finding.run_item, finding.run_complete
FROM latest_findings finding
WHERE NOT finding.excepted
UNION ALL
SELECT 'no findings', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
FROM latest_runs
WHERE kind = 'findings'
HAVING count(*) = 0
ORDER BY 2, 3, 5, 7
