{#- The actions of `facts` by the sources that told of them, counted for each `keys` (columns): how
    many, the first and the last, and how long after the action it was known, of those that became
    known in the last 30 days and happened since the source was first read: what was history then
    says nothing about a delay. -#}
{%- macro told_by_sources(facts, keys) -%}
    {#- Facts are counted by the texts of their sources before these are taken apart: few kinds of text. -#}
    with kinds as (
        select
            sources,
            action_code,
            count(*) as action_count,
            min(occurred_at) as first_seen_at,
            max(occurred_at) as last_seen_at,
            min(recorded_at) as first_recorded_at,
            max(recorded_at) as last_recorded_at
        from {{ facts }}
        group by sources, action_code
    ),

    told as (
        select
            kinds.* exclude (sources),
            {{ each("string_split(kinds.sources, ',')") }} as source
        from kinds
    ),

    watched as (
        select
            source,
            min(first_recorded_at) as since_at
        from told
        group by source
    ),

    recent as (
        select
            action_code,
            occurred_at,
            recorded_at,
            {{ each("string_split(sources, ',')") }} as source
        from {{ facts }}
        where
            recorded_at > (select max(last_recorded_at) from told) - interval 30 day
            and occurred_at >= (select min(since_at) from watched)
    ),

    delays as (
        select
            {% for key in keys %}recent.{{ key }}, {% endfor %}
            {% for name, share in (('lag_p50_seconds', 0.5), ('lag_p99_seconds', 0.99)) %}
                cast(round(quantile_cont(
                    greatest(epoch_ms(recent.recorded_at) - epoch_ms(recent.occurred_at), 0) / 1000, {{ share }}
                ), 3) as double) as {{ name }}
                {{- ',' if not loop.last }}
            {% endfor %}
        from recent
        inner join watched on recent.source = watched.source
        where recent.occurred_at >= watched.since_at
        group by {% for key in keys %}recent.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
    ),

    counts as (
        select
            {% for key in keys %}{{ key }}, {% endfor %}
            cast(sum(action_count) as bigint) as action_count,
            min(first_seen_at) as first_seen_at,
            max(last_seen_at) as last_seen_at
        from told
        group by {{ keys | join(', ') }}
    )

    select
        counts.*,
        delays.lag_p50_seconds,
        delays.lag_p99_seconds
    from counts
    left join delays on {% for key in keys %}counts.{{ key }} = delays.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
{%- endmacro -%}
