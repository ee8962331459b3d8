"""Jämför: municipalities, a measure and years of one's own choice."""

from __future__ import annotations

from ame_warehouse.atlas import texts
from ame_warehouse.atlas.site import MenuEntry, Site

ENTRY = MenuEntry("compare", "jamfor.html")


def build(site: Site) -> None:
    """Write `jamfor.html`; everything that it shows is in the shards of measures, groups and histories."""
    site.write_page("compare", ENTRY.path, "compare.html", "compare", title=texts.all_texts()["menu.compare"])
