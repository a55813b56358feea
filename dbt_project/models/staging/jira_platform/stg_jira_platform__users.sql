{{ config(unique_key=['site_id', 'account_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'users') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'displayName': 'varchar',
            'emailAddress': 'varchar',
            'accountType': 'varchar',
            'active': 'boolean',
            'avatarUrls': {'48x48': 'varchar'},
        }) }} as account
    from raw
),

final as (
    select
        site_id,
        object_id as account_id,
        version,
        account.displayname as display_name,
        account.emailaddress as email_address,
        account.accounttype as account_type,
        account.avatarurls['48x48'] as avatar_url,
        account.active as is_active,
        is_present,
        source_at as listed_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
