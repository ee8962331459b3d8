"""The data dictionary: what every published column means, from the dbt project alone."""
