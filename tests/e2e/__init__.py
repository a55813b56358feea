"""The whole product against a running sandbox: sync, build, publish, then the checker."""
