"""Arbetsförmedlingen: discovery, download and readers of the workbooks it publishes."""
