"""The pages of the atlas: one module per page, each with `ENTRY` (its place in the menu) and `build(site)`.

A page is added by writing its module and naming it here; its texts go into `texts.json`.
"""

from __future__ import annotations

from ame_warehouse.atlas.pages import (
    common,
    compare,
    costs,
    gaps,
    jobseekers,
    municipality,
    quality,
    referrals,
    start,
)

_IN_MENU = (start, gaps, municipality, referrals, costs, compare, quality)

MENU = tuple(module.ENTRY for module in _IN_MENU)
BUILDERS = (common.build, jobseekers.build, *(module.build for module in _IN_MENU))
