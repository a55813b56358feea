{{ config(severity='warn') }}

-- Events that no rule of action_mappings knows: they are no actions, and perhaps should be.
select
    source,
    raw_event,
    condition,
    event_count
from {{ ref('int_actions__unmapped') }}
