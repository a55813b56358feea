{{ config(unique_key=['site_id', 'history_id']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'changelogs') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'author': embedded_user_shape(),
            'items': [{
                'field': 'varchar',
                'fieldId': 'varchar',
                'from': 'varchar',
                'fromString': 'varchar',
                'to': 'varchar',
                'toString': 'varchar',
            }],
        }) }} as history
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as history_id,
        parent_id as issue_id,
        {{ embedded_user('history.author') }} as author,
        -- Names are in the site's language: a field is known by its id, and only system fields have none.
        -- The linter's grammar does not know lambdas of two parameters yet.
        list_transform( -- noqa: PRS
            coalesce(history.items, []),
            lambda item, position: struct_pack(
                item_index := cast(position - 1 as integer),
                field_id := coalesce(item.fieldid, item.field),
                field_name := item.field,
                old_id := item."from",
                old_text := item.fromstring,
                new_id := item."to",
                new_text := item.tostring
            )
        ) as items,
        source_at as occurred_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
