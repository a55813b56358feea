with latest as (
    select * from {{ ref('int_issues__latest') }}
),

request_types as (
    select * from {{ ref('int_request_types__changes') }}
),

moves as (
    select
        site_id,
        issue_id,
        occurred_at,
        history_id,
        field_id,
        old_id,
        new_id
    from (
        {{ structural_items(['project', 'issuetype'], of_affected_issues()) }}
    ) as items
    union all
    select
        site_id,
        issue_id,
        occurred_at,
        history_id,
        'request_type' as field_id,
        old_id,
        new_id
    from request_types
),

issue_keys as (
    select * from {{ ref('int_issues__keys') }}
    where is_current and {{ of_affected_issues() }}
),

-- Every issue begins before all time; each instant at which its project or a type changed begins
-- another period. What happened at that very instant belongs to the new period.
starts as (
    select
        site_id,
        issue_id,
        timestamp '0001-01-01' as valid_from_at,
        cast(null as varchar) as project_id_before,
        cast(null as varchar) as project_id_after,
        cast(null as varchar) as issue_type_id_before,
        cast(null as varchar) as issue_type_id_after,
        cast(null as varchar) as request_type_id_before,
        cast(null as varchar) as request_type_id_after
    from (
        select
            site_id,
            issue_id
        from latest
        union
        select
            site_id,
            issue_id
        from moves
    ) as issues
    union all
    select
        site_id,
        issue_id,
        occurred_at as valid_from_at,
        min_by(old_id, history_id) filter (where field_id = 'project') as project_id_before,
        max_by(new_id, history_id) filter (where field_id = 'project') as project_id_after,
        min_by(old_id, history_id) filter (where field_id = 'issuetype') as issue_type_id_before,
        max_by(new_id, history_id) filter (where field_id = 'issuetype') as issue_type_id_after,
        min_by(old_id, history_id) filter (where field_id = 'request_type') as request_type_id_before,
        max_by(new_id, history_id) filter (where field_id = 'request_type') as request_type_id_after
    from moves
    group by site_id, issue_id, occurred_at
),

periods as (
    select
        site_id,
        issue_id,
        valid_from_at,
        lead(valid_from_at) over issue_time as valid_to_at,
        last_value(project_id_after ignore nulls) over so_far as project_id_set,
        first_value(project_id_before ignore nulls) over later as project_id_left,
        last_value(issue_type_id_after ignore nulls) over so_far as issue_type_id_set,
        first_value(issue_type_id_before ignore nulls) over later as issue_type_id_left,
        last_value(request_type_id_after ignore nulls) over so_far as request_type_id_set,
        first_value(request_type_id_before ignore nulls) over later as request_type_id_left
    from starts
    window
        issue_time as (partition by site_id, issue_id order by valid_from_at),
        so_far as (
            partition by site_id, issue_id
            order by valid_from_at rows between unbounded preceding and current row
        ),
        later as (
            partition by site_id, issue_id
            order by valid_from_at rows between 1 following and unbounded following
        )
),

final as (
    select
        periods.site_id,
        periods.issue_id,
        periods.valid_from_at,
        coalesce(periods.valid_to_at, timestamp '9999-12-31') as valid_to_at,
        coalesce(periods.project_id_set, periods.project_id_left, latest.project_id) as project_id,
        coalesce(periods.issue_type_id_set, periods.issue_type_id_left, latest.issue_type_id)
            as issue_type_id,
        nullif(
            coalesce(periods.request_type_id_set, periods.request_type_id_left, latest.request_type_id), ''
        ) as request_type_id,
        latest.security_level_id,
        issue_keys.issue_key
    from periods
    left join latest on periods.site_id = latest.site_id and periods.issue_id = latest.issue_id
    left join issue_keys on periods.site_id = issue_keys.site_id and periods.issue_id = issue_keys.issue_id
)

select * from final
