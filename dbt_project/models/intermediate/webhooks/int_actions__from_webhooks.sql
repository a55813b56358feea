{{ config(materialized='table') }}

with webhooks as (
    select * from {{ ref('int_webhooks__classified') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'inbox' and action_code != ''
),

boards as (
    select * from {{ ref('int_boards__listed') }}
),

objects as (
    select
        raw_event,
        nullif(id_path, '') as id_path,
        nullif(label_path, '') as label_path,
        nullif(project_path, '') as project_path,
        nullif(board_path, '') as board_path,
        nullif(changed_field, '') as changed_field,
        old_text,
        new_text
    from {{ ref('webhook_objects') }}
),

told as (
    select
        webhooks.*,
        mappings.action_code,
        objects.id_path is null as is_of_the_site,
        json_extract_string(webhooks.details, objects.id_path) as object_id,
        json_extract_string(webhooks.details, objects.label_path) as object_name,
        coalesce(
            json_extract_string(webhooks.details, objects.project_path), boards.project_id
        ) as project_id,
        coalesce(boards.is_discovery, false) as is_of_discovery,
        case
            when objects.changed_field is null then {{ no_changes() }}
            else cast(
                [
                    struct_pack(
                        item_index := 0,
                        field_id := lower(objects.changed_field),
                        field_name := objects.changed_field,
                        old_id := null,
                        old_text := objects.old_text,
                        new_id := null,
                        new_text := objects.new_text
                    )
                ] as {{ changes_type() }}
            )
        end as changes
    from webhooks
    inner join mappings
        on webhooks.raw_event = mappings.raw_event and webhooks.condition = mappings.condition
    inner join objects on webhooks.raw_event = objects.raw_event
    left join boards
        on
            webhooks.site_id = boards.site_id
            and json_extract_string(webhooks.details, objects.board_path) = boards.board_id
),

-- Boards of Jira Product Discovery are not logged.
mapped as (
    select * from told
    where (object_id is not null or is_of_the_site) and not is_of_discovery
),

final as (
    {{ evidence('mapped', {
        'item_key': "''",
        'match_key': "coalesce(object_id, '')",
        'observed_from_at': 'null',
        'observed_to_at': 'null',
        'actor_certainty': "case when actor_account_id is null then 'unknown' else 'known' end",
        'target_id': 'object_id',
        'target_label': 'object_name',
        'issue_id': 'null',
    }) }}
)

select * from final
