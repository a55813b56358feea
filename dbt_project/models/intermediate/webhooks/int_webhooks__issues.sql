with deliveries as (
    select * from {{ ref('stg_inbox__deliveries') }}
),

-- Deliveries about attachments name no issue: one that lists or listed the file is looked for.
homeless as (
    select
        site_id,
        delivery_id,
        attachment.id as attachment_id,
        build_id
    from deliveries
    where attachment.id is not null and issue_id is null
),

issues as (
    select
        site_id,
        issue_id,
        attachments
    from {{ ref('stg_jira_issues__issues') }}
    union all
    select
        site_id,
        issue_id,
        attachments
    from (
        {{ pushed_issues() }}
    ) as pushed
),

listed as (
    select
        site_id,
        issue_id,
        unnest(list_transform(attachments, lambda file: file.attachment_id)) as attachment_id
    from issues
    where len(attachments) > 0
),

items as (
    select
        site_id,
        issue_id,
        coalesce(new_id, old_id) as attachment_id
    from {{ ref('int_changelog_items__structural') }}
    where field_id = 'attachment'
),

final as (
    select
        site_id,
        delivery_id,
        issue_id,
        build_id
    from deliveries
    where issue_id is not null
    union all
    {% for end in ['sourceissueid', 'destinationissueid'] %}
        select
            site_id,
            delivery_id,
            issue_link.{{ end }} as issue_id,
            build_id
        from deliveries
        where issue_link.{{ end }} is not null
        union all
    {% endfor %}
    select
        homeless.site_id,
        homeless.delivery_id,
        min(found.issue_id) as issue_id,
        homeless.build_id
    from homeless
    inner join (
        select * from listed
        union all
        select
            site_id,
            issue_id,
            attachment_id
        from items
    ) as found
        on homeless.site_id = found.site_id and homeless.attachment_id = found.attachment_id
    group by homeless.site_id, homeless.delivery_id, homeless.build_id
)

select * from final
