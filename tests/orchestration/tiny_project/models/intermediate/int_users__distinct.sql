{{ config(materialized='ephemeral') }}

select distinct actor_account_id as account_id
from {{ ref('fct_actions') }}
