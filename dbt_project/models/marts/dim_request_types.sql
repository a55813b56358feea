with observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'request_type'
),

changed as (
    {{ labels_in_changes(
        ref('fct_action_changes'), 'field_id in (select field_id from ' ~ ref('int_request_types__fields') ~ ')'
    ) }}
),

final as (
    select
        coalesce(observed.object_id, changed.object_id) as request_type_id,
        coalesce(observed.label, changed.label) as request_type_name,
        coalesce(observed.site_id, changed.site_id) as site_id
    from observed
    full outer join changed
        on observed.site_id = changed.site_id and observed.object_id = changed.object_id
)

select * from final
