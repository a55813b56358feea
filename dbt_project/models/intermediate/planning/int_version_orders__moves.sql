{{ config(materialized='table') }}

{#- Moving one version shifts others, so positions do not tell which one was moved. Of two orders the
    fewest versions that can have been moved are those outside a longest common subsequence; it is
    found step by step along the new order: the best subsequence that ends at each place, by the
    place before it. What is the same at both ends of the orders was not moved and is left out. Versions
    that somebody told of were moved, whatever else explains the new order with fewer moves: only the
    rest has to be explained. -#}

with recursive orders as (
    {{ listing_changes(
        ref('stg_jira_platform__version_orders'), ref('stg_jira_platform__sweeps'), ['project_id'],
        "'versions:' || project_id"
    ) }}
),

-- Versions that came or went move nothing: only those of both orders count.
compared as (
    select
        site_id,
        project_id,
        version,
        fetched_at,
        observed_from_at,
        observed_to_at,
        version_ids,
        previous.version_ids as previous_version_ids,
        list_filter(version_ids, lambda id: list_contains(previous.version_ids, id)) as new_order,
        list_filter(previous.version_ids, lambda id: list_contains(version_ids, id)) as old_order
    from orders
    where change in ('changed', 'returned')
),

told as (
    select
        compared.site_id,
        compared.project_id,
        compared.version,
        list(distinct webhooks.target_id) as version_ids
    from compared
    inner join {{ ref('int_actions__from_webhooks') }} as webhooks
        on
            compared.site_id = webhooks.site_id
            and webhooks.action_code = 'VERSION_MOVED'
            and compared.observed_from_at <= webhooks.occurred_at
            and compared.observed_to_at >= webhooks.occurred_at
            and list_contains(compared.new_order, webhooks.target_id)
    where compared.new_order != compared.old_order
    group by compared.site_id, compared.project_id, compared.version
),

unexplained as (
    select
        compared.site_id,
        compared.project_id,
        compared.version,
        list_filter(
            compared.new_order, lambda id: not coalesce(list_contains(told.version_ids, id), false)
        ) as new_order,
        list_filter(
            compared.old_order, lambda id: not coalesce(list_contains(told.version_ids, id), false)
        ) as old_order
    from compared
    left join told
        on
            compared.site_id = told.site_id
            and compared.project_id = told.project_id
            and compared.version = told.version
),

places as (
    select
        site_id,
        project_id,
        version,
        unnest(new_order) as version_id,
        generate_subscripts(new_order, 1) as new_place,
        old_order
    from unexplained
    where new_order != old_order
),

ranked as (
    select
        * exclude (old_order),
        list_position(old_order, version_id) as old_place
    from places
),

bounded as (
    select
        *,
        max(abs(new_place - old_place)) over (
            partition by site_id, project_id, version order by new_place
        ) as shift_before,
        max(abs(new_place - old_place)) over (
            partition by site_id, project_id, version order by new_place desc
        ) as shift_after
    from ranked
),

sequences as (
    select
        site_id,
        project_id,
        version,
        list(version_id order by new_place) as version_ids,
        list(old_place order by new_place) as old_places
    from bounded
    where shift_before > 0 and shift_after > 0
    group by site_id, project_id, version
),

steps as (
    select
        site_id,
        project_id,
        version,
        0 as step,
        cast([] as struct(kept bigint, before bigint)[]) as best
    from sequences
    union all
    select
        steps.site_id,
        steps.project_id,
        steps.version,
        steps.step + 1 as step,
        list_append(
            steps.best,
            coalesce(
                list_sort(
                    list_transform(
                        list_filter(
                            range(1, steps.step + 1),
                            lambda place: sequences.old_places[place] < sequences.old_places[steps.step + 1]
                        ),
                        lambda place: struct_pack(
                            kept := steps.best[place].kept + 1,
                            before := place
                        )
                    ),
                    'DESC'
                )[1],
                struct_pack(kept := 1, before := 0)
            )
        ) as best
    from steps
    inner join sequences
        on
            steps.site_id = sequences.site_id
            and steps.project_id = sequences.project_id
            and steps.version = sequences.version
    where steps.step < len(sequences.old_places)
),

finished as (
    select steps.*
    from steps
    inner join sequences
        on
            steps.site_id = sequences.site_id
            and steps.project_id = sequences.project_id
            and steps.version = sequences.version
    where steps.step = len(sequences.old_places)
),

-- Back from the end of the longest one.
kept as (
    select
        site_id,
        project_id,
        version,
        best,
        list_sort(
            list_transform(
                range(1, len(best) + 1), lambda place: struct_pack(kept := best[place].kept, place := place)
            ),
            'DESC'
        )[1].place as place
    from finished
    union all
    select
        site_id,
        project_id,
        version,
        best,
        best[place].before as place
    from kept
    where best[place].before > 0
),

moved as (
    select
        sequences.site_id,
        sequences.project_id,
        sequences.version,
        unnest(sequences.version_ids) as version_id,
        generate_subscripts(sequences.version_ids, 1) as place
    from sequences
),

outside as (
    select
        moved.site_id,
        moved.project_id,
        moved.version,
        moved.version_id
    from moved
    where
        not exists (
            select 1 from kept
            where
                kept.site_id = moved.site_id
                and kept.project_id = moved.project_id
                and kept.version = moved.version
                and kept.place = moved.place
        )
    union all
    select
        site_id,
        project_id,
        version,
        {{ each('version_ids') }} as version_id
    from told
),

final as (
    select
        outside.site_id,
        outside.project_id,
        outside.version_id,
        outside.version,
        list_position(compared.previous_version_ids, outside.version_id) as old_position,
        list_position(compared.version_ids, outside.version_id) as new_position,
        compared.observed_from_at,
        compared.observed_to_at,
        compared.fetched_at
    from outside
    inner join compared
        on
            outside.site_id = compared.site_id
            and outside.project_id = compared.project_id
            and outside.version = compared.version
)

select * from final
