{{ config(materialized='table', tags=['every_build']) }}

{#- The marts that are derived per issue, all from the same set of affected issues. -#}
{%- set consumers = [
    'fct_actions', 'fct_action_changes', 'dim_issues', 'bridge_issue_keys', 'fct_issue_views',
    'bridge_issue_field_values', 'bridge_issue_links', 'bridge_issue_attachments', 'dim_comments', 'dim_worklogs',
    'bridge_named_issues', 'agg_issue_months', 'bridge_withheld_texts'
] -%}

with builds as (
    select build_id from {{ target.database }}.elt_state.builds
),

processed as (
    select
        build_id,
        count(distinct model) as model_count
    from marts.elt_state.processed_builds
    where
        model in (
            '{{ consumers | join("', '") }}'
        )
    group by build_id
),

final as (
    select builds.build_id
    from builds
    left join processed on builds.build_id = processed.build_id
    where
        coalesce(processed.model_count, 0) < {{ consumers | length }}
        or {{ 'true' if must_rebuild(consumers) else 'false' }}
)

select * from final
