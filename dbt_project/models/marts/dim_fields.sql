with listed as (
    select * from {{ ref('int_fields__listed') }}
),

-- Fields that were deleted before the first listing, and system fields that no listing holds.
unlisted as (
    select
        site_id,
        field_id,
        field_name,
        max(occurred_at) as observed_at
    from {{ ref('fct_action_changes') }}
    where field_id not in (select listed.field_id from listed)
    group by all
),

final as (
    select
        field_id,
        field_name,
        is_custom,
        field_type,
        item_type,
        custom_type,
        clause_names,
        is_searchable,
        is_deleted,
        site_id
    from listed
    union all
    select
        field_id,
        max_by(field_name, (observed_at, field_name)) as field_name,
        starts_with(field_id, 'customfield_') as is_custom,
        cast(null as varchar) as field_type,
        cast(null as varchar) as item_type,
        cast(null as varchar) as custom_type,
        cast([] as varchar[]) as clause_names,
        false as is_searchable,
        starts_with(field_id, 'customfield_') as is_deleted,
        site_id
    from unlisted
    group by site_id, field_id
)

select * from final
