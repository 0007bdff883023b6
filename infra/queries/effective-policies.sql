-- Which effective policies are invalid, differ within an organizational unit, or are not known?
--
-- One row for each account, policy type and finding. An account differs when what its policies come to
-- is not what they most often come to right below the same parent. Of accounts in use and types that are
-- enabled, those without any row are listed as not read: nothing is known of them. While no inventory has
-- been published, one row says so.
WITH place AS (
  SELECT account_id, name, state, parent_id, run_id, run_complete
  FROM latest_accounts
  WHERE run_item = 'organization'
),
effective AS (
  SELECT
    place.parent_id, place.name, place.run_id, place.run_complete, effective.account_id,
    effective.type, effective.status, effective.validity, effective.content, effective.error
  FROM latest_effective_policies effective
  JOIN place ON effective.run_id = place.run_id AND effective.account_id = place.account_id
),
counted AS (
  SELECT
    parent_id, type, content,
    row_number() OVER (PARTITION BY parent_id, type ORDER BY count(*) DESC, content) AS rank_in_unit
  FROM effective
  WHERE status = 'content' AND parent_id IS NOT NULL
  GROUP BY parent_id, type, content
)
SELECT 'invalid' AS finding, type, account_id, name, parent_id, error, run_complete
FROM effective
WHERE validity = 'invalid'
UNION ALL
SELECT 'unreadable', type, account_id, name, parent_id, error, run_complete
FROM effective
WHERE status = 'unreadable'
UNION ALL
SELECT 'not found', type, account_id, name, parent_id, error, run_complete
FROM effective
WHERE status = 'not_found'
UNION ALL
SELECT
  'differs within its unit', effective.type, effective.account_id, effective.name, effective.parent_id,
  effective.error, effective.run_complete
FROM effective
JOIN counted
  ON effective.parent_id = counted.parent_id AND effective.type = counted.type AND counted.rank_in_unit = 1
WHERE effective.status = 'content' AND effective.content <> counted.content
UNION ALL
SELECT 'not read', enabled.type, place.account_id, place.name, place.parent_id, NULL, place.run_complete
FROM place
JOIN latest_policy_types enabled ON place.run_id = enabled.run_id
LEFT JOIN effective ON place.account_id = effective.account_id AND enabled.type = effective.type
-- The first two types have no effective policy.
WHERE enabled.type NOT IN ('SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY')
  AND enabled.status = 'ENABLED'
  AND (place.state = 'ACTIVE' OR place.state IS NULL)
  AND effective.account_id IS NULL
UNION ALL
SELECT 'no inventory', NULL, NULL, NULL, NULL, NULL, false
FROM latest_runs
WHERE kind = 'organization-inventory' AND item = 'organization'
HAVING count(*) = 0
ORDER BY 1, 2, 3
