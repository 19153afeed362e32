"""How much a channel matters: one file a criterion."""

from tfprune.criteria.base import Criterion as Criterion
from tfprune.criteria.base import WeightCriterion as WeightCriterion
from tfprune.criteria.groups import group_scores as group_scores
from tfprune.criteria.l1 import L1 as L1
from tfprune.criteria.l2 import L2 as L2
from tfprune.criteria.registry import get as get
