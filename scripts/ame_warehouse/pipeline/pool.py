"""The Airflow pool of everything that writes; no import of Airflow here."""

WRITER_POOL = "ame_writer"
WRITER_POOL_SLOTS = 1
WRITER_POOL_TEXT = "Everything that writes to AME_HOME: one task at a time."
