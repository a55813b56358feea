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
    {% for kind, detail in [
        ('status', 'status_category'), ('resolution', 'null'), ('issue_type', 'null'), ('project', 'project_key')
    ] %}
        select
            site_id,
            '{{ kind }}' as kind,
            {{ kind }}_id as object_id,
            {{ kind }}_name as label,
            {{ detail }} as detail,
            max(updated_at) as observed_at
        from issues
        group by site_id, {{ kind }}_id, {{ kind }}_name, {{ detail }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

items as (
    select
        site_id,
        occurred_at,
        {{ each('items') }} as item
    from changelogs
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
