"""Decides when: runs the pipelines, the dbt build and the publishing."""
