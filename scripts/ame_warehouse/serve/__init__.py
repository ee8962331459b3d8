"""PostgreSQL for readers: versioned tables, views in front of them, roles and reconciliation."""
