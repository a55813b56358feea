{{ config(materialized='table') }}

with records as (
    select * from {{ ref('stg_jira_audit__records') }}
),

user_keys as (
    select * from {{ ref('int_user_keys__resolved') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_audit'
),

changed as (
    select
        *,
        {# The linter's grammar does not know lambdas of two parameters yet. -#}
        list_transform( -- noqa: PRS
            changed_values,
            lambda value, place: struct_pack(
                item_index := cast(place - 1 as integer),
                field_id := trim(regexp_replace(lower(value.field_name), '[^\p{L}\p{N}]+', '_', 'g'), '_'),
                field_name := value.field_name,
                old_id := cast(null as varchar),
                old_text := value.old_text,
                new_id := cast(null as varchar),
                new_text := value.new_text
            )
        ) as changes
    from records
),

-- What a summary alone does not say: an account switched on or off, permissions only granted or only taken.
observed as (
    select
        *,
        list_filter(changes, lambda change: change.field_id = 'active_inactive') as switches,
        len(list_filter(changes, lambda change: change.field_id = 'permission')) > 0 as is_about_permissions,
        len(list_filter(changes, lambda change: change.old_text is not null)) > 0 as has_old,
        len(list_filter(changes, lambda change: change.new_text is not null)) > 0 as has_new
    from changed
),

-- A record is one event, but that an account was switched on or off is an event of its own.
parts as (
    select
        *,
        '' as item_key,
        case
            when lower(switches[1].new_text) = 'inactive' then 'active_to_inactive'
            when lower(switches[1].new_text) = 'active' then 'inactive_to_active'
            when is_about_permissions and not has_old then 'grants_added'
            when is_about_permissions and not has_new then 'grants_removed'
        end as special_condition,
        case when len(switches) > 0 then switches else changes end as part_changes
    from observed
    union all
    select
        *,
        'rest' as item_key,
        cast(null as varchar) as special_condition,
        list_filter(changes, lambda change: change.field_id != 'active_inactive') as part_changes
    from observed
    where len(switches) between 1 and len(changes) - 1
),

final as (
    select
        parts.site_id,
        'jira_audit' as source,
        parts.record_id as source_event_id,
        parts.item_key,
        parts.summary as raw_event,
        coalesce(special.condition, 'any') as condition,
        nullif(coalesce(special.action_code, general.action_code), '') as action_code,
        parts.category,
        parts.items,
        parts.part_changes as changes,
        coalesce(parts.author_account_id, user_keys.account_id) as actor_account_id,
        parts.created_at as occurred_at,
        parts.fetched_at as recorded_at
    from parts
    left join mappings as special
        on parts.summary = special.raw_event and parts.special_condition = special.condition
    left join mappings as general
        on parts.summary = general.raw_event and general.condition = 'any'
    left join user_keys
        on parts.site_id = user_keys.site_id and parts.author_key = user_keys.user_key
)

select * from final
