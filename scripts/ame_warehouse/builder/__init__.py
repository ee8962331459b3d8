"""Build the candidate: what it depends on (fingerprint) and how dbt is run."""
