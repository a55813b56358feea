{{ config(unique_key=['site_id', 'sprint_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_software', 'sprints') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'state': 'varchar',
            'goal': 'varchar',
            'startDate': 'varchar',
            'endDate': 'varchar',
            'completeDate': 'varchar',
            'createdDate': 'varchar',
            'originBoardId': 'varchar',
        }) }} as sprint
    from raw
),

final as (
    select
        site_id,
        object_id as sprint_id,
        version,
        sprint.name as sprint_name,
        sprint.state as sprint_state,
        nullif(sprint.goal, '') as goal,
        {{ utc_timestamp('sprint.startdate') }} as start_at,
        {{ utc_timestamp('sprint.enddate') }} as end_at,
        {{ utc_timestamp('sprint.completedate') }} as completed_at,
        {{ utc_timestamp('sprint.createddate') }} as created_at,
        sprint.originboardid as board_id,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
