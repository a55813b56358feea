{{ config(materialized='table') }}

{#- Histories name a status, resolution, type, project or field each time it is set; issues name
    what they have now. -#}
{%- set kind_by_field = {
    'status': 'status',
    'resolution': 'resolution',
    'issuetype': 'issue_type',
    'project': 'project',
} -%}

with issues as (
    select * from {{ ref('stg_jira_issues__issues') }}
),

changelogs as (
    select * from {{ ref('stg_jira_issues__changelogs') }}
),

from_issues as (
    select
        issues.site_id,
        label_rows.label.kind,
        label_rows.label.object_id,
        label_rows.label.label,
        label_rows.label.detail,
        issues.updated_at as observed_at
    from issues
    {{ unnested("[
        struct_pack(kind := 'status', object_id := issues.status_id, label := issues.status_name, detail := issues.status_category),
        struct_pack(kind := 'resolution', object_id := issues.resolution_id, label := issues.resolution_name, detail := null),
        struct_pack(kind := 'issue_type', object_id := issues.issue_type_id, label := issues.issue_type_name, detail := null),
        struct_pack(kind := 'project', object_id := issues.project_id, label := issues.project_name, detail := issues.project_key)
    ]", 'label_rows', 'label') }}
),

items as (
    select
        changelogs.site_id,
        changelogs.occurred_at,
        item_rows.item
    from changelogs
    {{ unnested('changelogs.items', 'item_rows', 'item') }}
),

from_items as (
    {% for field_id, kind in kind_by_field.items() %}
        {% for side in ['old', 'new'] %}
            select
                site_id,
                '{{ kind }}' as kind,
                item.{{ side }}_id as object_id,
                item.{{ side }}_text as label,
                cast(null as varchar) as detail,
                occurred_at as observed_at
            from items
            where item.field_id = '{{ field_id }}'
            union all
        {% endfor %}
    {% endfor %}
    select
        site_id,
        'field' as kind,
        item.field_id as object_id,
        item.field_name as label,
        cast(null as varchar) as detail,
        occurred_at as observed_at
    from items
),

observed as (
    select * from from_issues
    union all
    select * from from_items
),

final as (
    select
        site_id,
        kind,
        object_id,
        max_by(label, (observed_at, label)) as label,
        max_by(detail, (observed_at, detail)) as detail,
        max(observed_at) as last_observed_at
    from observed
    where object_id is not null and object_id != ''
    group by site_id, kind, object_id
)

select * from final
