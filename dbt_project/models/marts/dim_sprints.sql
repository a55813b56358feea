with listed as (
    select * from {{ ref('int_sprints__listed') }}
),

boards as (
    select * from {{ ref('int_boards__listed') }}
),

-- What is no longer listed may only be out of sight.
deletions as (
    select * from {{ ref('int_actions__matched') }}
    where action_code = 'SPRINT_DELETED'
),

told as (
    {{ known_from_actions('sprint', 'listed', 'sprint_id') }}
),

final as (
    select
        listed.sprint_id,
        listed.sprint_name,
        listed.sprint_state,
        listed.goal,
        listed.board_id,
        boards.project_id,
        listed.created_at,
        listed.start_at,
        listed.end_at,
        listed.completed_at,
        deletions.match_key is not null as is_deleted,
        listed.site_id
    from listed
    left join boards on listed.site_id = boards.site_id and listed.board_id = boards.board_id
    left join deletions on listed.site_id = deletions.site_id and listed.sprint_id = deletions.match_key
    union all
    select
        target_id as sprint_id,
        target_label as sprint_name,
        null as sprint_state,
        null as goal,
        null as board_id,
        project_id,
        null as created_at,
        null as start_at,
        null as end_at,
        null as completed_at,
        true as is_deleted,
        site_id
    from told
)

select * from final
