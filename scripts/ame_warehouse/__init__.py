"""ame-warehouse: Swedish municipal labour-market statistics, from the sources to published marts."""

__version__ = "0.1.0"
