-- Rollups count what the facts hold: every day's total, and every number of the days and months that this
-- build has changed; the first build of a database has changed all.
{%- set rollups = {
    'day': (ref('agg_actor_days'), 'occurred_date'),
    'month': (ref('agg_actor_months'), 'occurred_month'),
} %}
with changed_days as (
    select changed.occurred_date
    from marts.elt_state.changed_actor_days as changed
    where changed.build_id = {{ this_build() }}
    union
    select days.occurred_date
    from {{ ref('agg_actor_days') }} as days
    where (select count(*) from {{ target.database }}.elt_state.builds) = 1
),

-- What is counted, in which rollup, how often.
facts as (
    {% for period, (_, begins_on) in rollups.items() %}
        select
            '{{ period }}' as period,
            site_id,
            {{ begins_on }} as begins_on,
            actor_account_id,
            is_secured,
            action_code as counted,
            count(*) as action_count
        from {{ ref('fct_actions') }}
        where
            {{ begins_on }} in (
                select cast(date_trunc('{{ period }}', changed_days.occurred_date) as date) from changed_days
            )
        group by site_id, {{ begins_on }}, actor_account_id, is_secured, action_code
        union all
        select
            '{{ period }}' as period,
            site_id,
            occurred_date as begins_on,
            null as actor_account_id,
            null as is_secured,
            'all' as counted,
            count(*) as action_count
        from {{ ref('fct_actions') }}
        group by site_id, occurred_date
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

code_entries as (
    {% for period, (rollup, begins_on) in rollups.items() %}
        select
            '{{ period }}' as period,
            site_id,
            {{ begins_on }} as begins_on,
            actor_account_id,
            is_secured,
            {{ each_entry('code_counts') }} as entry
        from {{ rollup }}
        where
            {{ begins_on }} in (
                select cast(date_trunc('{{ period }}', changed_days.occurred_date) as date) from changed_days
            )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
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
),

counted as (
    select
        period,
        site_id,
        begins_on,
        actor_account_id,
        is_secured,
        entry.key as counted,
        entry.value as action_count
    from code_entries
    union all
    select
        period,
        site_id,
        occurred_date as begins_on,
        null as actor_account_id,
        null as is_secured,
        'all' as counted,
        sum(action_count) as action_count
    from day_totals
    group by period, site_id, occurred_date
),

-- As sets, because an actor can be null.
missing as (
    select * from facts
    except
    select * from counted
),

surplus as (
    select * from counted
    except
    select * from facts
)

select
    'missing' as problem,
    missing.*
from missing
union all
select
    'surplus' as problem,
    surplus.*
from surplus
