with project_schemes as (
    select * from {{ ref('stg_jira_platform__project_permission_schemes') }}
),

listed as (
    {{ listing_changes(
        'project_schemes', ref('stg_jira_platform__sweeps'), ['project_id'],
        "'project_permission_schemes:' || project_id"
    ) }}
),

final as (
    select
        *,
        {{ one_change(
            "'permission_scheme'", "'Permission scheme'",
            'previous.scheme_id', 'previous.scheme_name', 'scheme_id', 'scheme_name'
        ) }} as changes
    from listed
    where change in ('changed', 'returned') and scheme_id is distinct from previous.scheme_id
)

select * from final
