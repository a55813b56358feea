{%- set edited = [
    {'id': 'name', 'name': 'Name', 'text': 'scheme_name'},
    {'id': 'description', 'name': 'Description', 'text': 'scheme_description'},
] -%}

with permission_schemes as (
    select * from {{ ref('stg_jira_platform__permission_schemes') }}
),

-- A copy looks like a new scheme; only the administration log knows better.
copied as (
    select distinct
        site_id,
        match_key as scheme_id
    from {{ ref('int_actions__from_audit') }}
    where action_code = 'PERMISSION_SCHEME_COPIED'
),

listed as (
    {{ listing_changes(
        'permission_schemes', ref('stg_jira_platform__sweeps'), ['scheme_id'], "'permission_schemes'"
    ) }}
),

final as (
    select
        *,
        case change
            when 'created' then 'created'
            when 'vanished' then 'deleted'
            else 'edited'
        end as condition,
        case
            when change in ('changed', 'returned') then {{ field_changes(edited) }}
            else {{ no_changes() }}
        end as changes
    from listed
    where
        change not in ('baseline', 'withdrawn')
        and not (
            change = 'created'
            and exists (
                select 1 from copied
                where copied.site_id = listed.site_id and copied.scheme_id = listed.scheme_id
            )
        )
)

select * from final
