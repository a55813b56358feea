{{ config(unique_key=['site_id', 'view_id']) }}

with raw as (
    {{ raw_rows('raw_inbox', 'issue_views') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'accountId': 'varchar',
            'issueId': 'varchar',
            'issueKey': 'varchar',
            'source': 'varchar',
            'viewedAt': 'varchar',
        }) }} as view
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as view_id,
        view.accountid as account_id,
        nullif(view.issueid, '') as issue_id,
        nullif(view.issuekey, '') as issue_key,
        case when view.source = 'customer_portal' then 'customer_portal' else 'issue_view' end as view_source,
        coalesce({{ utc_timestamp('view.viewedat') }}, source_at, fetched_at) as viewed_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
