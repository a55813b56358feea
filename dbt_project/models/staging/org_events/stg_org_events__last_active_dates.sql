{{ config(unique_key=['site_id', 'account_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_org_events', 'last_active_dates') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'product_access': [{'key': 'varchar', 'last_active_timestamp': 'varchar'}],
            'added_to_org_timestamp': 'varchar',
        }) }} as dates
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as account_id,
        version,
        {{ newest_of('dates.product_access', 'last_active_timestamp') }} as last_active_at,
        {{ utc_timestamp('dates.added_to_org_timestamp') }} as added_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
