{{ config(unique_key=['site_id', 'board_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_software', 'boards') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'type': 'varchar',
            'location': {
                'projectId': 'varchar',
                'projectName': 'varchar',
                'projectTypeKey': 'varchar',
                'displayName': 'varchar',
            },
        }) }} as board
    from raw
),

final as (
    select
        site_id,
        object_id as board_id,
        version,
        board.name as board_name,
        board.type as board_type,
        board.location.projectid as project_id,
        coalesce(board.location.projectname, board.location.displayname) as location_name,
        coalesce(board.location.projecttypekey = 'product_discovery', false) as is_discovery,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
