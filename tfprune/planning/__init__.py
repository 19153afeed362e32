"""What to remove: limits, selection, and the frozen plan."""

from tfprune.planning.planner import plan as plan
from tfprune.planning.pruning_plan import GroupPlan as GroupPlan
from tfprune.planning.pruning_plan import PruningPlan as PruningPlan
