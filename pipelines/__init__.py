"""Extract and load: dlt sources that copy what Atlassian said, without interpretation."""
