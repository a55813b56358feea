{#- Where the things belong to that actions of Assets are done to: objects, and the roles of schemas and of
    types. Which action is done to which kind of thing, the rules say. -#}
with mappings as (
    select distinct
        action_code,
        case when raw_event in ('schema_role', 'object_type_role') then raw_event else 'object' end as kind
    from {{ ref('action_mappings') }}
    where source = 'assets' and action_code is not null
),

objects as (
    select * from {{ ref('int_assets__listed') }}
),

types as (
    select * from {{ ref('int_asset_types__listed') }}
),

schema_roles as (
    select
        site_id,
        role_id,
        object_schema_id
    from {{ ref('stg_assets__schema_roles') }}
),

type_roles as (
    select
        site_id,
        role_id,
        object_type_id
    from {{ ref('stg_assets__object_type_roles') }}
),

placed as (
    select
        site_id,
        'object' as kind,
        object_id as target_id,
        object_schema_id
    from objects
    union all
    select
        site_id,
        'schema_role' as kind,
        role_id as target_id,
        object_schema_id
    from schema_roles
    union all
    select
        type_roles.site_id,
        'object_type_role' as kind,
        type_roles.role_id as target_id,
        types.object_schema_id
    from type_roles
    inner join types
        on type_roles.site_id = types.site_id and type_roles.object_type_id = types.object_type_id
),

final as (
    select
        placed.site_id,
        mappings.action_code,
        placed.target_id,
        min(placed.object_schema_id) as object_schema_id
    from placed
    inner join mappings on placed.kind = mappings.kind
    group by placed.site_id, mappings.action_code, placed.target_id
)

select * from final
