with listed as (
    select * from {{ ref('int_users__listed') }}
),

embedded as (
    select * from {{ ref('int_users__embedded') }}
),

actors as (
    select distinct
        site_id,
        actor_account_id as account_id
    from {{ ref('fct_actions') }}
    where actor_account_id is not null
),

accounts as (
    select
        site_id,
        account_id
    from listed
    union
    select
        site_id,
        account_id
    from embedded
    union
    select
        site_id,
        account_id
    from actors
),

final as (
    select
        accounts.account_id,
        coalesce(listed.display_name, embedded.display_name) as display_name,
        coalesce(listed.email_address, embedded.email_address) as email_address,
        coalesce(listed.account_type, embedded.account_type) as account_type,
        coalesce(listed.avatar_url, embedded.avatar_url) as avatar_url,
        coalesce(listed.is_active, embedded.is_active, false) as is_active,
        coalesce(listed.is_deleted, false) as is_deleted,
        accounts.site_id
    from accounts
    left join listed on accounts.site_id = listed.site_id and accounts.account_id = listed.account_id
    left join embedded on accounts.site_id = embedded.site_id and accounts.account_id = embedded.account_id
)

select * from final
