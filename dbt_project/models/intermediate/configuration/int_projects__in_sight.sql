with listed as (
    {{ listing_changes(
        ref('stg_jira_platform__projects'), ref('stg_jira_platform__sweeps'), ['project_id'], "'projects'"
    ) }}
),

final as (
    {{ containers_in_sight(
        'listed', 'project_id', 'is_present and not is_trashed and not is_archived',
        ref('stg_jira_platform__sweeps'), "'projects'"
    ) }}
)

select * from final
