{{ config(unique_key=['run_id']) }}

with raw as (
    {{ raw_rows('raw_assets', 'runs') }}
),

final as (
    {{ runs('raw') }}
)

select * from final
