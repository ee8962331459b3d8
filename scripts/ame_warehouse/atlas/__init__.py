"""The atlas: a static site made from the published version, for people who look rather than ask in SQL."""
