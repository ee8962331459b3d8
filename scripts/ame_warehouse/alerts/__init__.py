"""Alerts: what a person must know, sent once, to the one who acts."""
