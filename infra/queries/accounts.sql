-- Which accounts are not active, have no owner, or are not known well enough to say?
--
-- One row for each account and finding. An owner is told by a tag with the key `owner`, in whatever
-- case: change it to yours. Where tags were not read there may be an owner or not. While no inventory has
-- been published, one row says so.
WITH account AS (
  SELECT * FROM latest_accounts WHERE run_item = 'organization'
)
SELECT 'not active' AS finding, account_id, name, email, state, path, tags, run_complete
FROM account
WHERE state <> 'ACTIVE'
UNION ALL
SELECT 'state not known', account_id, name, email, state, path, tags, run_complete
FROM account
WHERE state IS NULL
UNION ALL
SELECT 'place not known', account_id, name, email, state, path, tags, run_complete
FROM account
WHERE path IS NULL
UNION ALL
SELECT 'tags not read', account_id, name, email, state, path, tags, run_complete
FROM account
WHERE tags IS NULL
UNION ALL
-- A quotation mark within a value is written \", so this finds keys alone.
SELECT 'no owner', account_id, name, email, state, path, tags, run_complete
FROM account
WHERE lower(tags) NOT LIKE '%"owner":%'
UNION ALL
SELECT 'no inventory', NULL, NULL, NULL, NULL, NULL, NULL, false
FROM latest_runs
WHERE kind = 'organization-inventory' AND item = 'organization'
HAVING count(*) = 0
ORDER BY 1, 2
