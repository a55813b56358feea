{{ config(materialized='incremental', unique_key='action_id') }}

-- depends_on: {{ source('raw_jira_platform', 'users') }}
select action_id, actor_account_id, occurred_at
from {{ source('raw_jira_issues', 'issues') }}
{% if is_incremental() %}
    where action_id not in (select known.action_id from {{ this }} as known)
{% endif %}
