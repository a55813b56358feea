with final as (
    {% for source in synced_sources() %}
        select * from {{ ref('stg_' ~ source ~ '__runs') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
