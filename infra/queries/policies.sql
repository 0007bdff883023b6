-- Which policies are near the quota of their size, or attached nowhere, or not known well enough to say?
--
-- One row for each policy and finding. Near is 80 % of the quota. Of types whose quota AWS does not
-- document, size_quota is empty and nothing is near it. AWS's own policies are listed only where they are
-- not known. A type whose policies could not be read adds a row without a policy: there may be any number.
-- While no inventory has been published, one row says so.
WITH policy AS (
  SELECT * FROM latest_policies WHERE run_item = 'organization'
)
SELECT 'near its quota' AS finding, type, policy_id, name, size, size_quota, targets, error, run_complete
FROM policy
WHERE size * 10 >= size_quota * 8 AND NOT aws_managed
UNION ALL
SELECT 'size not known', type, policy_id, name, size, size_quota, targets, error, run_complete
FROM policy
WHERE size IS NULL
UNION ALL
SELECT 'attached nowhere', type, policy_id, name, size, size_quota, targets, error, run_complete
FROM policy
WHERE targets = 0 AND NOT aws_managed
UNION ALL
SELECT 'attachments not known', type, policy_id, name, size, size_quota, targets, error, run_complete
FROM policy
WHERE targets IS NULL
UNION ALL
SELECT 'type not read', item, NULL, NULL, NULL, NULL, NULL, cause, run_complete
FROM latest_item_outcomes
WHERE kind = 'organization-inventory' AND run_item = 'organization'
  AND lane = 'policies' AND status NOT IN ('succeeded', 'skipped')
UNION ALL
SELECT 'no inventory', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
FROM latest_runs
WHERE kind = 'organization-inventory' AND item = 'organization'
HAVING count(*) = 0
ORDER BY 1, 2, 3
