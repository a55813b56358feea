{#- JSON access. Each macro is dispatched, so that another engine needs one more variant, not
    another model. -#}

{#- A JSON text as a typed structure, parsed once: `shape` is a mapping of member names to types
    (a type name, 'json' for the text of the member, a mapping, or a list of one element). Members
    that are absent or of another type are null. -#}
{%- macro json_to_struct(expression, shape) -%}
    {{ return(adapter.dispatch('json_to_struct', 'audit_log')(expression, shape)) }}
{%- endmacro -%}

{%- macro default__json_to_struct(expression, shape) -%}
    from_json({{ expression }}, '{{ shape | tojson }}')
{%- endmacro -%}

{#- A member of a JSON text, as text. -#}
{%- macro json_text(expression, member) -%}
    {{ return(adapter.dispatch('json_text', 'audit_log')(expression, member)) }}
{%- endmacro -%}

{%- macro default__json_text(expression, member) -%}
    json_extract_string({{ expression }}, '$.{{ member }}')
{%- endmacro -%}

{#- A JSON array of strings or numbers, as an array of texts. -#}
{%- macro json_texts(expression) -%}
    {{ return(adapter.dispatch('json_texts', 'audit_log')(expression)) }}
{%- endmacro -%}

{%- macro default__json_texts(expression) -%}
    json_extract_string({{ expression }}, '$[*]')
{%- endmacro -%}

{#- The sum of the numbers in a JSON object, such as rows by resource. -#}
{%- macro json_sum(expression) -%}
    {{ return(adapter.dispatch('json_sum', 'audit_log')(expression)) }}
{%- endmacro -%}

{%- macro default__json_sum(expression) -%}
    coalesce(list_sum(cast(json_extract({{ expression }}, '$.*') as bigint [])), 0)
{%- endmacro -%}

{#- The words of a rich text: plain text as it is, a document of the Atlassian Document Format as
    the text of its lines, innermost blocks each on a line of their own. -#}
{%- macro rich_text(expression) -%}
    {{ return(adapter.dispatch('rich_text', 'audit_log')(expression)) }}
{%- endmacro -%}

{%- macro default__rich_text(expression) -%}
    case
        when json_type({{ expression }}) = 'VARCHAR' then json_extract_string({{ expression }}, '$')
        when json_type({{ expression }}) = 'OBJECT' then array_to_string(
            list_transform(
                list_filter(
                    json_extract({{ expression }}, '$..content'),
                    lambda block: coalesce(
                        json_extract_string(block, '$[0].type') in (
                            'text', 'hardBreak', 'mention', 'emoji', 'inlineCard', 'date', 'status', 'placeholder'
                        ),
                        true
                    )
                ),
                lambda block: array_to_string(
                    list_transform(
                        json_extract(block, '$[*]'),
                        lambda node: coalesce(
                            json_extract_string(node, '$.text'),
                            json_extract_string(node, '$.attrs.text'),
                            json_extract_string(node, '$.attrs.url'),
                            case when json_extract_string(node, '$.type') = 'hardBreak' then chr(10) end,
                            ''
                        )
                    ),
                    ''
                )
            ),
            chr(10)
        )
    end
{%- endmacro -%}

{#- The members of a JSON object, as a list of structures: `member_key` and its `member_name` (the text of
    the member's own member `name`). -#}
{%- macro json_named_members(expression) -%}
    {{ return(adapter.dispatch('json_named_members', 'audit_log')(expression)) }}
{%- endmacro -%}

{%- macro default__json_named_members(expression) -%}
    list_transform(
        json_keys({{ expression }}),
        lambda member: struct_pack(
            member_key := member,
            member_name := json_extract_string({{ expression }}, '$."' || member || '".name')
        )
    )
{%- endmacro -%}

{#- The members of the JSON object at `path` that are not null, but for those named, as a list of
    structures: `key` (the member's name) and `value` (JSON). -#}
{%- macro filled_members(expression, path, without) -%}
    {{ return(adapter.dispatch('filled_members', 'audit_log')(expression, path, without)) }}
{%- endmacro -%}

{%- macro default__filled_members(expression, path, without) -%}
    {%- set shape = namespace(value='map(varchar, json)') -%}
    {%- for member in path | reverse -%}
        {%- set shape.value = {member: shape.value} -%}
    {%- endfor -%}
    list_filter(
        map_entries({{ json_to_struct(expression, shape.value) }}.{{ path | join('.') }}),
        lambda member: member.value is not null and member.key not in ('{{ without | join("', '") }}')
    )
{%- endmacro -%}

{#- The elements of a JSON array that are not null, each as JSON; of any other value itself. -#}
{%- macro json_elements(expression) -%}
    {{ return(adapter.dispatch('json_elements', 'audit_log')(expression)) }}
{%- endmacro -%}

{%- macro default__json_elements(expression) -%}
    case
        when starts_with({{ expression }}, '[')
            then list_filter(from_json({{ expression }}, '["json"]'), lambda element: element is not null)
        else [{{ expression }}]
    end
{%- endmacro -%}
