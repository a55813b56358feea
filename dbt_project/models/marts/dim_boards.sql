with listed as (
    select * from {{ ref('int_boards__listed') }}
),

configurations as (
    select * from {{ ref('int_board_configurations__listed') }}
),

-- What is no longer listed may only be out of sight.
deletions as (
    select * from {{ ref('int_actions__matched') }}
    where action_code = 'BOARD_DELETED'
),

told as (
    {{ known_from_actions('board', 'listed', 'board_id') }}
),

-- A deleted board keeps what it last was, its project too.
final as (
    select
        listed.board_id,
        listed.board_name,
        listed.board_type,
        listed.project_id,
        listed.location_name,
        listed.is_discovery,
        configurations.filter_id,
        configurations.board_columns,
        deletions.match_key is not null or (listed.is_discovery and listed.is_deleted) as is_deleted,
        listed.site_id
    from listed
    left join configurations
        on listed.site_id = configurations.site_id and listed.board_id = configurations.board_id
    left join deletions on listed.site_id = deletions.site_id and listed.board_id = deletions.match_key
    union all
    select
        target_id as board_id,
        target_label as board_name,
        null as board_type,
        project_id,
        null as location_name,
        false as is_discovery,
        null as filter_id,
        null as board_columns,
        true as is_deleted,
        site_id
    from told
)

select * from final
