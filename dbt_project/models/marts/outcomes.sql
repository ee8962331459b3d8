{{ long_mart("outcomes", without=[
    "ame_participants_total",
    "lmp_net_cost_per_inhabitant",
    "lmp_gross_cost_per_inhabitant",
    "lmp_revenue_per_inhabitant",
]) }}
