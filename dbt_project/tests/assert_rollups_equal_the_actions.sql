-- Rollups count what the facts hold: every day's total, and every number of the days and months that this
-- build has changed; the first build of a database has changed all.
{%- set rollups = {
    'day': (ref('agg_actor_days'), 'occurred_date'),
    'month': (ref('agg_actor_months'), 'occurred_month'),
} %}
{%- set apart = 'actor_account_id, is_secured, visibility_rule, object_schema_id' %}
with changed_days as (
    select changed.occurred_date
    from marts.elt_state.changed_actor_days as changed
    where changed.build_id = {{ this_build() }}
    union
    select days.occurred_date
    from {{ ref('agg_actor_days') }} as days
    where (select count(*) from {{ target.database }}.elt_state.builds) = 1
),

actions as (
    select
        actions.*,
        {{ rule_of_actions('action_types') }} as visibility_rule
    from {{ ref('fct_actions') }} as actions
    inner join {{ ref('action_types') }} as action_types on actions.action_code = action_types.action_code
),

facts_of_a_day as (
    select
        site_id,
        occurred_date,
        count(*) as action_count,
        count(*) filter (where is_secured or visibility_rule = 'browse_project') as of_issues_count
    from actions
    group by site_id, occurred_date
),

-- What is counted, in which rollup, how often.
facts as (
    {% for period, (_, begins_on) in rollups.items() %}
        select
            '{{ period }}' as period,
            site_id,
            {{ begins_on }} as begins_on,
            {{ apart }},
            null as issue_id,
            null as project_id,
            action_code as counted,
            count(*) as action_count
        from actions
        where
            {{ begins_on }} in (
                select cast(date_trunc('{{ period }}', changed_days.occurred_date) as date) from changed_days
            )
        group by site_id, {{ begins_on }}, {{ apart }}, action_code
        union all
        select
            '{{ period }}' as period,
            site_id,
            occurred_date as begins_on,
            null as actor_account_id,
            null as is_secured,
            null as visibility_rule,
            null as object_schema_id,
            null as issue_id,
            null as project_id,
            'all' as counted,
            action_count
        from facts_of_a_day
        union all
    {% endfor %}
    select
        'issue day' as period,
        site_id,
        occurred_date as begins_on,
        {{ apart }},
        issue_id,
        project_id,
        action_code as counted,
        count(*) as action_count
    from actions
    where
        (is_secured or visibility_rule = 'browse_project')
        and occurred_date in (select changed_days.occurred_date from changed_days)
    group by site_id, occurred_date, {{ apart }}, issue_id, project_id, action_code
    union all
    select
        'issue day' as period,
        site_id,
        occurred_date as begins_on,
        null as actor_account_id,
        null as is_secured,
        null as visibility_rule,
        null as object_schema_id,
        null as issue_id,
        null as project_id,
        'all' as counted,
        of_issues_count as action_count
    from facts_of_a_day
    where of_issues_count > 0
),

code_entries as (
    {% for period, (rollup, begins_on) in rollups.items() %}
        select
            '{{ period }}' as period,
            site_id,
            {{ begins_on }} as begins_on,
            {{ apart }},
            {{ each_entry('code_counts') }} as entry
        from {{ rollup }}
        where
            {{ begins_on }} in (
                select cast(date_trunc('{{ period }}', changed_days.occurred_date) as date) from changed_days
            )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

issue_days as (
    select
        issue_days.*,
        {{ rule_of_actions('action_types') }} as visibility_rule
    from {{ ref('agg_actor_issue_days') }} as issue_days
    inner join {{ ref('action_types') }} as action_types on issue_days.action_code = action_types.action_code
),

-- Every rollup tells the total of a day: that of months by its map of days.
day_totals as (
    select
        'day' as period,
        site_id,
        occurred_date,
        action_count
    from {{ ref('agg_actor_days') }}
    union all
    select
        'month' as period,
        entries.site_id,
        entries.entry.key as occurred_date,
        entries.entry.value as action_count
    from (
        select
            months.site_id,
            {{ each_entry('months.day_counts') }} as entry
        from {{ ref('agg_actor_months') }} as months
    ) as entries
    union all
    select
        'issue day' as period,
        site_id,
        occurred_date,
        action_count
    from issue_days
),

counted as (
    select
        period,
        site_id,
        begins_on,
        {{ apart }},
        null as issue_id,
        null as project_id,
        entry.key as counted,
        entry.value as action_count
    from code_entries
    union all
    select
        'issue day' as period,
        site_id,
        occurred_date as begins_on,
        {{ apart }},
        issue_id,
        project_id,
        action_code as counted,
        action_count
    from issue_days
    where occurred_date in (select changed_days.occurred_date from changed_days)
    union all
    select
        period,
        site_id,
        occurred_date as begins_on,
        null as actor_account_id,
        null as is_secured,
        null as visibility_rule,
        null as object_schema_id,
        null as issue_id,
        null as project_id,
        'all' as counted,
        sum(action_count) as action_count
    from day_totals
    group by period, site_id, occurred_date
)

{{ rows_that_differ('facts', 'counted') }}
