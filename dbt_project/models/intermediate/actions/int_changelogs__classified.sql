with changelogs as (
    select * from {{ ref('int_changelogs__versions') }}
),

promotions as (
    select
        coalesce(
            map_from_entries(list((substr(raw_event, 11) || ':' || condition, action_code))),
            map()
        ) as code_by_field_and_kind
    from {{ ref('action_mappings') }}
    where source = 'jira_issues' and starts_with(raw_event, 'changelog.')
),

flagged as (
    select
        changelogs.*,
        promotions.code_by_field_and_kind,
        len(list_filter(
            changelogs.items, lambda item: lower(item.field_id) in ('timespent', 'worklogid')
        )) > 0 as is_worklog_effect
    from changelogs
    cross join promotions
),

-- Logging work also writes the time spent and the worklog into the history, and with them the new
-- estimate: that is the worklog's own action, not an edit.
classified as (
    select
        site_id,
        issue_id,
        history_id,
        author.account_id as actor_account_id,
        occurred_at,
        fetched_at,
        is_polled,
        is_pushed,
        list_filter(
            list_transform(
                items,
                lambda item: struct_pack(
                    item_index := item.item_index,
                    field_id := item.field_id,
                    field_name := item.field_name,
                    old_id := item.old_id,
                    old_text := item.old_text,
                    new_id := item.new_id,
                    new_text := item.new_text,
                    promoted_code := coalesce(
                        code_by_field_and_kind[lower(item.field_id) || ':' || {{ change_kind('item') }}],
                        code_by_field_and_kind[lower(item.field_id) || ':any']
                    )
                )
            ),
            lambda item: not (
                lower(item.field_id) in ('timespent', 'worklogid')
                or (is_worklog_effect and lower(item.field_id) = 'timeestimate')
            )
        ) as items
    from flagged
),

final as (
    select
        site_id,
        issue_id,
        history_id,
        actor_account_id,
        occurred_at,
        fetched_at,
        is_polled,
        is_pushed,
        list_filter(items, lambda item: item.promoted_code is not null) as promoted_items,
        list_filter(items, lambda item: item.promoted_code is null) as remaining_items
    from classified
)

select * from final
