{#- Times and keys. -#}

{#- A time stamp with a zone, or a text with an offset as Atlassian writes it
    (`2025-11-12T16:28:36.943+0000`), as a UTC timestamp without zone. The session's zone is UTC
    (profiles.yml). Null when it is no time. -#}
{%- macro utc_timestamp(expression) -%}
    {{ return(adapter.dispatch('utc_timestamp', 'audit_log')(expression)) }}
{%- endmacro -%}

{%- macro default__utc_timestamp(expression) -%}
    cast(try_cast({{ expression }} as timestamp with time zone) as timestamp)
{%- endmacro -%}

{#- 32 hexadecimal digits that depend on the values and nothing else; null counts as empty. -#}
{%- macro surrogate_key(expressions) -%}
    {{ return(adapter.dispatch('surrogate_key', 'audit_log')(expressions)) }}
{%- endmacro -%}

{%- macro default__surrogate_key(expressions) -%}
    md5(
        {%- for expression in expressions -%}
            coalesce(cast({{ expression }} as varchar), '')
            {%- if not loop.last %} || '|' || {% endif -%}
        {%- endfor -%}
    )
{%- endmacro -%}

{#- A text of now with each letter in one piece with its accents (Unicode's form NFC), as JQL searches texts:
    sources write both forms, and a reader cannot tell them apart. Histories stay as they were told. -#}
{%- macro composed(expression) -%}
    {{ return(adapter.dispatch('composed', 'audit_log')(expression)) }}
{%- endmacro -%}

{%- macro default__composed(expression) -%}
    nfc_normalize({{ expression }})
{%- endmacro -%}
