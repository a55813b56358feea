{{ config(materialized='table') }}

with issues as (
    select
        site_id,
        status_id,
        status_name,
        status_category,
        resolution_id,
        resolution_name,
        issue_type_id,
        issue_type_name,
        project_id,
        project_name,
        project_key,
        priority_id,
        priority_name,
        request_type_id,
        request_type_name,
        updated_at
    from {{ ref('stg_jira_issues__issues') }}
    union all
    select
        site_id,
        status_id,
        status_name,
        status_category,
        resolution_id,
        resolution_name,
        issue_type_id,
        issue_type_name,
        project_id,
        project_name,
        project_key,
        priority_id,
        priority_name,
        request_type_id,
        request_type_name,
        updated_at
    from (
        {{ pushed_issues() }}
    ) as pushed
),

items as (
    select * from {{ ref('int_changelog_items__structural') }}
    where field_id in ('project', 'issuetype')
),

-- An issue names what it has now; a move or a change of type also what was before.
observed as (
    {% for kind, detail in [
        ('status', 'status_category'),
        ('resolution', 'cast(null as varchar)'),
        ('issue_type', 'cast(null as varchar)'),
        ('project', 'project_key'),
        ('priority', 'cast(null as varchar)'),
        ('request_type', 'cast(null as varchar)'),
    ] %}
        select
            site_id,
            '{{ kind }}' as kind,
            {{ kind }}_id as object_id,
            {{ kind }}_name as label,
            {{ detail }} as detail,
            max(updated_at) as observed_at
        from issues
        group by all
        union all
    {% endfor %}
    {% for side in ['old', 'new'] %}
        select
            site_id,
            case when field_id = 'project' then 'project' else 'issue_type' end as kind,
            {{ side }}_id as object_id,
            {{ side }}_text as label,
            cast(null as varchar) as detail,
            max(occurred_at) as observed_at
        from items
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select
        site_id,
        kind,
        object_id,
        max_by(label, (observed_at, label)) as label,
        max_by(detail, (observed_at, detail)) as detail
    from observed
    where object_id is not null and object_id != ''
    group by site_id, kind, object_id
)

select * from final
