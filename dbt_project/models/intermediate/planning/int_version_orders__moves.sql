{{ config(materialized='table') }}

{#- Moving one version shifts others, so positions do not tell which one was moved. Of two orders the
    fewest versions that can have been moved are those outside a longest common subsequence; it is
    found step by step along the new order: the best subsequence that ends at each place, by the
    place before it. What is the same at both ends of the orders was not moved and is left out. Where
    either of two may have been moved (neighbours that changed places), it is the one that somebody
    told of: such versions weigh a little less in what stays. -#}

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
    select distinct
        compared.site_id,
        compared.version,
        webhooks.target_id as version_id
    from compared
    inner join {{ ref('int_actions__from_webhooks') }} as webhooks
        on
            compared.site_id = webhooks.site_id
            and webhooks.action_code = 'VERSION_MOVED'
            and compared.observed_from_at <= webhooks.occurred_at
            and compared.observed_to_at >= webhooks.occurred_at
),

places as (
    select
        site_id,
        project_id,
        version,
        unnest(new_order) as version_id,
        generate_subscripts(new_order, 1) as new_place,
        old_order
    from compared
    where new_order != old_order
),

ranked as (
    select
        places.* exclude (old_order),
        list_position(places.old_order, places.version_id) as old_place,
        case when told.version_id is null then 1000000 else 999999 end as weight
    from places
    left join told
        on
            places.site_id = told.site_id
            and places.version = told.version
            and places.version_id = told.version_id
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
        list(old_place order by new_place) as old_places,
        list(weight order by new_place) as weights
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
                            kept := steps.best[place].kept + sequences.weights[steps.step + 1],
                            before := place
                        )
                    ),
                    'DESC'
                )[1],
                struct_pack(kept := sequences.weights[steps.step + 1], before := 0)
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

final as (
    select
        moved.site_id,
        moved.project_id,
        moved.version_id,
        moved.version,
        list_position(compared.previous_version_ids, moved.version_id) as old_position,
        list_position(compared.version_ids, moved.version_id) as new_position,
        compared.observed_from_at,
        compared.observed_to_at,
        compared.fetched_at
    from moved
    inner join compared
        on
            moved.site_id = compared.site_id
            and moved.project_id = compared.project_id
            and moved.version = compared.version
    where
        not exists (
            select 1 from kept
            where
                kept.site_id = moved.site_id
                and kept.project_id = moved.project_id
                and kept.version = moved.version
                and kept.place = moved.place
        )
)

select * from final
