"""What was known when: the marts as of a day, what changed between two states, rollback, backfill."""
