{#- An account that was erased stays listed, without a name and of no known type. -#}
{%- set edited = [
    {'id': 'full_name', 'name': 'Full name', 'text': 'display_name'},
    {'id': 'email', 'name': 'Email', 'text': 'shown_email'},
] -%}

with users as (
    select
        *,
        -- Whether an address is shown is the person's choice, not a change of the account.
        coalesce(email_address, lag(email_address ignore nulls) over (
            partition by site_id, account_id order by fetched_at, version
        )) as shown_email
    from {{ ref('stg_jira_platform__users') }}
),

listed as (
    {{ listing_changes('users', ref('stg_jira_platform__sweeps'), ['account_id'], "'users'") }}
),

compared as (
    select
        *,
        change = 'vanished' or (change != 'baseline' and is_present and account_type = 'unknown') as is_gone,
        previous is null or coalesce(previous.account_type, '') != 'unknown' as was_somebody,
        list_filter(
            {{ field_changes(edited) }}, lambda edit: edit.field_id != 'email' or edit.old_text is not null
        ) as edits
    from listed
),

final as (
    select
        *,
        'created' as condition,
        '' as item_key,
        {{ no_changes() }} as changes
    from compared
    where change = 'created' and not is_gone
    union all
    select
        *,
        'deleted' as condition,
        '' as item_key,
        {{ no_changes() }} as changes
    from compared
    where is_gone and was_somebody and previous is not null
    union all
    select
        *,
        case when is_active then 'inactive_to_active' else 'active_to_inactive' end as condition,
        'activity' as item_key,
        {{ one_change(
            "'active_inactive'", "'Active / Inactive'",
            'null', "case when previous.is_active then 'Active' else 'Inactive' end",
            'null', "case when is_active then 'Active' else 'Inactive' end"
        ) }} as changes
    from compared
    where change in ('changed', 'returned') and not is_gone and is_active is distinct from previous.is_active
    union all
    select
        *,
        'edited' as condition,
        'edited' as item_key,
        edits as changes
    from compared
    where change in ('changed', 'returned') and not is_gone and len(edits) > 0
)

select * from final
