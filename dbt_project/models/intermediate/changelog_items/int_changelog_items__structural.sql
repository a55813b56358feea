{{ config(
    materialized='incremental',
    incremental_strategy='first_seen',
    unique_key=['site_id', 'history_id', 'item_index', 'is_pushed'],
    post_hook="{{ mark_builds_processed(builds_not_in('int_changelog_items__structural')) }}",
) }}

{#- Fields that other objects' actions depend on: they are needed one by one, over all of history. -#}
{%- set structural_field_ids = ['link', 'key', 'project', 'issuetype', 'attachment', 'worklogid'] -%}

{%- set not_taken_in -%}
    {%- if is_incremental() -%}
        build_id in ({{ builds_not_in('int_changelog_items__structural') }})
    {%- else -%}
        true
    {%- endif -%}
{%- endset -%}

with changelogs as (
    select
        *,
        false as is_pushed
    from {{ ref('stg_jira_issues__changelogs') }}
    where {{ not_taken_in }}
    union all by name
    select
        * exclude (sent_at, delivery_id),
        true as is_pushed
    from ({{ pushed_histories(not_taken_in) }}) as pushed
    qualify row_number() over (partition by site_id, history_id order by fetched_at, sent_at, delivery_id) = 1
),

items as (
    select
        site_id,
        history_id,
        issue_id,
        author.account_id as actor_account_id,
        occurred_at,
        fetched_at,
        is_pushed,
        {{ each(items_of('items', structural_field_ids)) }} as item
    from changelogs
),

final as (
    select
        site_id,
        history_id,
        item.item_index,
        issue_id,
        lower(item.field_id) as field_id,
        {{ change_kind('item') }} as change_kind,
        item.old_id,
        item.old_text,
        item.new_id,
        item.new_text,
        actor_account_id,
        occurred_at,
        fetched_at,
        is_pushed,
        {{ this_build() }} as build_id
    from items
)

select * from final
