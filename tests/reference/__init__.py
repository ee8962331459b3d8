"""A second, independent calculation of the published figures, in plain Python from the contract's text."""
