"""Jira's query language, answered locally: text -> syntax tree -> SQL on the dimensions.

`parser.parse` reads the text, `printer.render` writes a tree as text again. Everything that cannot
be answered is a `JqlError` with its place in the text, never a wrong set of issues.
"""
