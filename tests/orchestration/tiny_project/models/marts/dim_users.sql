-- depends_on: {{ source('raw_jira_platform', 'users') }}
select distinct actor_account_id as account_id
from {{ ref('fct_actions') }}
