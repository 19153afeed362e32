"""Training around pruning: what fine-tuning takes."""

from tfprune.training.comparing import compare as compare
from tfprune.training.cross_validation import CrossValidation as CrossValidation
from tfprune.training.cross_validation import cross_validate as cross_validate
from tfprune.training.distillation import distill as distill
from tfprune.training.energy import Account as Account
from tfprune.training.energy import Energy as Energy
from tfprune.training.energy import accounted as accounted
from tfprune.training.fitting import evaluate as evaluate
from tfprune.training.fitting import fit as fit
from tfprune.training.history import IterateResult as IterateResult
from tfprune.training.history import Iteration as Iteration
from tfprune.training.iterate import iterate as iterate
from tfprune.training.study import Study as Study
from tfprune.training.study import study as study
from tfprune.training.subset import stratified as stratified
from tfprune.training.workers import Shared as Shared
