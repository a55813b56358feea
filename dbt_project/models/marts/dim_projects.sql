with listed as (
    select * from {{ ref('int_projects__listed') }}
),

categories as (
    select * from {{ ref('int_project_categories__listed') }}
),

observed as (
    select * from {{ ref('int_labels__observed') }}
    where kind = 'project'
),

final as (
    select
        coalesce(listed.project_id, observed.object_id) as project_id,
        coalesce(listed.project_key, observed.detail) as project_key,
        coalesce(listed.project_name, observed.label) as project_name,
        listed.project_type,
        coalesce(categories.category_name, listed.project_category) as project_category,
        listed.project_lead.account_id as lead_account_id,
        case
            when coalesce(listed.is_deleted, true) then 'not_visible'
            when listed.is_trashed then 'trashed'
            when listed.is_archived then 'archived'
            else 'live'
        end as lifecycle_state,
        coalesce(listed.site_id, observed.site_id) as site_id
    from listed
    full outer join observed on listed.site_id = observed.site_id and listed.project_id = observed.object_id
    left join categories
        on listed.site_id = categories.site_id and listed.project_category_id = categories.category_id
)

select * from final
