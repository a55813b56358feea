{{ config(unique_key=['site_id', 'account_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_org_events', 'users') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'email': 'varchar',
            'account_type': 'varchar',
            'account_status': 'varchar',
            'last_active': 'varchar',
        }) }} as account
    from raw
),

final as (
    select
        site_id,
        object_id as account_id,
        version,
        account.name as display_name,
        account.email as email_address,
        account.account_type,
        account.account_status,
        {{ utc_timestamp('account.last_active') }} as last_active_at,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
