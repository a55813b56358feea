with runs as (
    select * from {{ ref('int_sources__runs') }}
),

last_runs as (
    select *
    from runs
    qualify row_number() over (partition by source order by finished_at desc, run_id desc) = 1
),

listed as (
    select
        source,
        {{ each(json_to_struct(
            'report', {'skipped': [{'resource': 'VARCHAR', 'permission': 'VARCHAR', 'loses': 'VARCHAR'}]}
        ) ~ '.skipped') }} as skipped
    from last_runs
),

final as (
    select distinct
        source,
        skipped.resource as resource,
        skipped.permission as permission,
        skipped.loses as loses
    from listed
)

select * from final
