with changelogs as (
    select * from {{ ref('int_changelogs__versions') }}
),

fields as (
    select * from {{ ref('int_request_types__fields') }}
),

items as (
    select
        changelogs.site_id,
        changelogs.issue_id,
        changelogs.history_id,
        changelogs.occurred_at,
        {{ each('list_filter(changelogs.items, lambda item: item.field_id = fields.field_id)') }} as item
    from changelogs
    inner join fields on changelogs.site_id = fields.site_id
),

final as (
    select
        site_id,
        issue_id,
        history_id,
        occurred_at,
        -- Empty where the field was empty, null where only a name is told.
        case
            when coalesce(item.old_id, '') != '' then item.old_id
            when coalesce(item.old_text, '') = '' then ''
        end as old_id,
        case
            when coalesce(item.new_id, '') != '' then item.new_id
            when coalesce(item.new_text, '') = '' then ''
        end as new_id
    from items
)

select * from final
