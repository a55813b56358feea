{#- How long an answer may be on its way: what is read of an issue that soon after it was said to be gone may
    have been rendered before. The pipelines give up a request after that time (`Patience.try_seconds`). -#}
{%- macro longest_answer() -%}
    interval 2 minutes
{%- endmacro -%}
