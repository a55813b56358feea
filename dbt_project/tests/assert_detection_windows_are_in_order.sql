-- A window has both ends, the earlier one first, and the action is placed at its end.
select action_id
from {{ ref('fct_actions') }}
where
    (observed_from_at is null) != (observed_to_at is null)
    or observed_from_at > observed_to_at
    or observed_to_at != occurred_at
