{{ config(unique_key=['site_id', 'issue_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'comment_listings') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'asked_at': 'varchar',
            'issue_updated_at': 'varchar',
            'comment_ids': ['varchar'],
        }) }} as listing,
        coalesce(source_at, fetched_at) as listed_at
    from raw
    where is_present
),

-- Listings were once kept as bare lists of ids: those count as of the state they were answered in.
final as (
    select
        site_id,
        object_id as issue_id,
        version,
        coalesce(listing.comment_ids, {{ json_texts('payload') }}) as comment_ids,
        coalesce({{ utc_timestamp('listing.issue_updated_at') }}, listed_at) as issue_updated_at,
        coalesce({{ utc_timestamp('listing.asked_at') }}, listed_at) as asked_at,
        listed_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
