-- Rollups count what the facts hold: every day's total, and every number of the days that this build has
-- changed; the first build of a database has changed all.
with changed as (
    select changed.occurred_date
    from marts.elt_state.changed_actor_days as changed
    where changed.build_id = {{ this_build() }}
    union
    select days.occurred_date
    from {{ ref('agg_actor_days') }} as days
    where (select count(*) from {{ target.database }}.elt_state.builds) = 1
),

changed_months as (
    select distinct cast(date_trunc('month', occurred_date) as date) as occurred_month
    from changed
),

-- What is counted, in which rollup, how often.
facts as (
    select
        'day' as period,
        site_id,
        occurred_date as begins_on,
        actor_account_id,
        is_secured,
        action_code as counted,
        count(*) as action_count
    from {{ ref('fct_actions') }}
    where occurred_date in (select changed.occurred_date from changed)
    group by site_id, occurred_date, actor_account_id, is_secured, action_code
    union all
    select
        'month' as period,
        site_id,
        occurred_month as begins_on,
        actor_account_id,
        is_secured,
        action_code as counted,
        count(*) as action_count
    from {{ ref('fct_actions') }}
    where occurred_month in (select changed_months.occurred_month from changed_months)
    group by site_id, occurred_month, actor_account_id, is_secured, action_code
    union all
    select
        'day' as period,
        site_id,
        occurred_date as begins_on,
        null as actor_account_id,
        null as is_secured,
        'all' as counted,
        count(*) as action_count
    from {{ ref('fct_actions') }}
    group by site_id, occurred_date
    union all
    select
        'month' as period,
        site_id,
        occurred_date as begins_on,
        null as actor_account_id,
        null as is_secured,
        'all' as counted,
        count(*) as action_count
    from {{ ref('fct_actions') }}
    group by site_id, occurred_date
),

day_entries as (
    select
        site_id,
        occurred_date,
        actor_account_id,
        is_secured,
        {{ each_entry('code_counts') }} as entry
    from {{ ref('agg_actor_days') }}
    where occurred_date in (select changed.occurred_date from changed)
),

month_entries as (
    select
        site_id,
        occurred_month,
        actor_account_id,
        is_secured,
        {{ each_entry('code_counts') }} as entry
    from {{ ref('agg_actor_months') }}
    where occurred_month in (select changed_months.occurred_month from changed_months)
),

days_of_months as (
    select
        site_id,
        {{ each_entry('day_counts') }} as entry
    from {{ ref('agg_actor_months') }}
),

rollups as (
    select
        'day' as period,
        site_id,
        occurred_date as begins_on,
        actor_account_id,
        is_secured,
        entry.key as counted,
        entry.value as action_count
    from day_entries
    union all
    select
        'month' as period,
        site_id,
        occurred_month as begins_on,
        actor_account_id,
        is_secured,
        entry.key as counted,
        entry.value as action_count
    from month_entries
    union all
    select
        'day' as period,
        site_id,
        occurred_date as begins_on,
        null as actor_account_id,
        null as is_secured,
        'all' as counted,
        sum(action_count) as action_count
    from {{ ref('agg_actor_days') }}
    group by site_id, occurred_date
    union all
    select
        'month' as period,
        site_id,
        entry.key as begins_on,
        null as actor_account_id,
        null as is_secured,
        'all' as counted,
        sum(entry.value) as action_count
    from days_of_months
    group by site_id, entry.key
),

-- As sets, because an actor can be null.
missing as (
    select * from facts
    except
    select * from rollups
),

surplus as (
    select * from rollups
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
