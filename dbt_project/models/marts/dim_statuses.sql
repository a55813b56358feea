with listed as (
    select * from {{ ref('int_statuses__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'status'
),

changed as (
    {{ labels_in_changes(ref('fct_action_changes'), "field_id = 'status'") }}
),

statuses as (
    select
        site_id,
        status_id
    from listed
    union
    select
        site_id,
        object_id as status_id
    from observed
    union
    select
        site_id,
        object_id as status_id
    from changed
),

final as (
    select
        statuses.status_id,
        coalesce(listed.status_name, observed.label, changed.label) as status_name,
        coalesce(listed.status_category, observed.detail) as status_category,
        coalesce(listed.is_deleted, true) as is_deleted,
        statuses.site_id
    from statuses
    left join listed on statuses.site_id = listed.site_id and statuses.status_id = listed.status_id
    left join observed on statuses.site_id = observed.site_id and statuses.status_id = observed.object_id
    left join changed on statuses.site_id = changed.site_id and statuses.status_id = changed.object_id
)

select * from final
