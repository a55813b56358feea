with listed as (
    select * from {{ ref('int_issue_types__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'issue_type'
),

final as (
    select
        coalesce(listed.issue_type_id, observed.object_id) as issue_type_id,
        coalesce(listed.issue_type_name, observed.label) as issue_type_name,
        coalesce(listed.is_subtask, false) as is_subtask,
        listed.hierarchy_level,
        coalesce(listed.is_deleted, true) as is_deleted,
        coalesce(listed.site_id, observed.site_id) as site_id
    from listed
    full outer join observed
        on
            listed.site_id = observed.site_id
            and listed.issue_type_id = observed.object_id
)

select * from final
