{#- Ids are texts of digits; among them, "lower" means lower as a number. Other texts come last. -#}
{%- macro number_order(expression) -%}
    coalesce(try_cast({{ expression }} as bigint), 9223372036854775807)
{%- endmacro -%}

{%- macro comes_first(left, right) -%}
    ({{ number_order(left) }}, {{ left }}) <= ({{ number_order(right) }}, {{ right }})
{%- endmacro -%}
