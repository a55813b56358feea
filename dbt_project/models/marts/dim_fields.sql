with listed as (
    select * from {{ ref('int_fields__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'field'
),

final as (
    select
        coalesce(listed.field_id, observed.object_id) as field_id,
        coalesce(listed.field_name, observed.label) as field_name,
        coalesce(listed.is_custom, starts_with(observed.object_id, 'customfield_')) as is_custom,
        listed.field_type,
        -- System fields such as Link or Key occur in histories only; they are not deleted.
        coalesce(listed.is_deleted, starts_with(observed.object_id, 'customfield_')) as is_deleted,
        coalesce(listed.site_id, observed.site_id) as site_id
    from listed
    full outer join observed on listed.site_id = observed.site_id and listed.field_id = observed.object_id
)

select * from final
