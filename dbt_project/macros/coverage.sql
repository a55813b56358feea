{#- The actions of `facts` by the sources that told of them, counted for each `keys` (columns): how
    many, the first and the last, and how long after the action it was known, of those that became
    known in the last 30 days and happened since the source was first read: what was history then
    says nothing about a delay. -#}
{%- macro told_by_sources(facts, keys) -%}
    with told as (
        select
            {{ each("string_split(sources, ',')") }} as source,
            action_code,
            occurred_at,
            recorded_at
        from {{ facts }}
    ),

    latest as (
        select max(recorded_at) as recorded_at from told
    ),

    watched as (
        select
            source,
            min(recorded_at) as since_at
        from told
        group by source
    )

    select
        {% for key in keys %}told.{{ key }}, {% endfor %}
        cast(count(*) as bigint) as action_count,
        min(told.occurred_at) as first_seen_at,
        max(told.occurred_at) as last_seen_at,
        {% for name, share in (('lag_p50_seconds', 0.5), ('lag_p99_seconds', 0.99)) %}
            cast(round(quantile_cont(
                greatest(epoch_ms(told.recorded_at) - epoch_ms(told.occurred_at), 0) / 1000, {{ share }}
            ) filter (
                where
                told.recorded_at > latest.recorded_at - interval 30 day
                and told.occurred_at >= watched.since_at
            ), 3) as double) as {{ name }}
            {{- ',' if not loop.last }}
        {% endfor %}
    from told
    cross join latest
    inner join watched on told.source = watched.source
    group by {% for key in keys %}told.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro -%}
