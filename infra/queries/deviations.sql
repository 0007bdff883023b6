-- Where do accounts and Regions deviate from the most frequent value of an attribute, or is that not known?
--
-- One row for each account, Region and attribute that is not known to have the most frequent value of
-- its report. What is unknown is listed as unknown, with its reason. A report that did not speak of all
-- accounts that it should have adds a row without an account, and so does it that there is no report.
-- Where run_complete is false, the most frequent value is the most frequent of what is known.
WITH counted AS (
  SELECT run_id, attribute, value, count(*) AS places
  FROM latest_account_status
  WHERE value IS NOT NULL
  GROUP BY run_id, attribute, value
),
ranked AS (
  SELECT
    run_id, attribute, value, places,
    row_number() OVER (PARTITION BY run_id, attribute ORDER BY places DESC, value) AS place
  FROM counted
)
SELECT
  status.run_item AS target,
  status.attribute,
  status.account_id,
  status.region,
  CASE WHEN status.value IS NULL THEN 'unknown' ELSE 'deviates' END AS finding,
  status.value,
  most.value AS most_frequent_value,
  most.places AS places_with_it,
  status.reason,
  status.run_complete
FROM latest_account_status status
LEFT JOIN ranked most
  ON status.run_id = most.run_id AND status.attribute = most.attribute AND most.place = 1
WHERE status.value IS NULL OR status.value <> most.value
UNION ALL
SELECT
  run.item, NULL, NULL, NULL, 'unknown', NULL, NULL, NULL,
  CASE
    WHEN run.expected_accounts IS NULL THEN 'nothing tells which accounts were expected'
    ELSE concat(cast(run.expected_accounts - run.seen_accounts AS varchar), ' expected accounts are missing')
  END,
  run.complete
FROM latest_runs run
WHERE run.kind = 'declarative-policies-report'
  AND (run.expected_accounts IS NULL OR run.expected_accounts > run.seen_accounts)
UNION ALL
SELECT NULL, NULL, NULL, NULL, 'unknown', NULL, NULL, NULL, 'no report has been published', false
FROM latest_runs
WHERE kind = 'declarative-policies-report'
HAVING count(*) = 0
ORDER BY 1, 2, 3, 4
