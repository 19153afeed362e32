"""`tfprune prune`: remove filters and units, prove the smaller model, save it."""

import argparse
from pathlib import Path
from typing import Any

import tfprune
from tfprune._models_io import check_model_file, check_suffix, load_model, save_model
from tfprune.commands._arrays import inputs_and_labels, read_arrays
from tfprune.commands._common import (
    Outcome,
    add_json,
    add_model,
    add_output,
    budget,
    check_output,
    milliseconds,
    positive,
    share,
    step_or_auto,
)
from tfprune.errors import FileError, ModelError, PlanError

SUMMARY = "remove filters and units of a model, verify the smaller one, save it"

_TARGETS = ("ratio", "macs", "parameters", "weight_bytes", "latency_ms")
# The options that make a plan, by their names in `tfprune.plan`; `--plan` brings one that is made.
_CHOICES = (
    *_TARGETS,
    "criterion",
    "latency_table",
    "threads",
    "scope",
    "round_to",
    "min_channels",
    "max_ratio",
    "exclude",
    "include_residual",
    "include_inexact",
    "group_reduction",
    "normalizer",
    "loss",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add_model(parser)
    add_output(parser, "the smaller model, .keras or .h5,")
    _add_targets(parser.add_argument_group("how much to remove: exactly one"))
    choose = parser.add_argument_group("what to remove")
    _add_ranking(choose)
    _add_limits(choose)
    parser.add_argument(
        "--repair",
        metavar="NAME",
        help="make up for what goes, without training: bias, least_squares, merge, batch_norm, or "
        "several by commas",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="what the criterion and the repair look at: an .npy array of inputs, or an .npz of "
        "inputs by name or in order, and labels under 'y'",
    )
    parser.add_argument("--save_plan", metavar="FILE", help="also write the plan, as JSON")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-4,
        help="save only within this relative error of the masked original (1e-4)",
    )
    add_json(parser)


def _add_ranking(choose: argparse._ArgumentGroup) -> None:
    choose.add_argument("--criterion", metavar="NAME", help="how channels are ranked (l2)")
    choose.add_argument(
        "--loss",
        metavar="NAME",
        help="of criteria that look at a loss (the one that the model was compiled with)",
    )
    choose.add_argument(
        "--group_reduction",
        choices=("mean", "sum", "max", "first"),
        help="how the scores of layers that share channels combine (mean)",
    )
    choose.add_argument(
        "--normalizer",
        choices=("none", "max", "mean", "l2"),
        help="what the scores of a group are divided by (the criterion's own)",
    )


def _add_limits(choose: argparse._ArgumentGroup) -> None:
    choose.add_argument(
        "--scope",
        choices=("layer", "block", "global"),
        help="the same share of each group, the lowest scores of each block, or the lowest "
        "anywhere (layer)",
    )
    choose.add_argument(
        "--round_to",
        type=step_or_auto,
        metavar="N",
        help="keep multiples of this number (1); 'auto' times the runtime to find it",
    )
    choose.add_argument(
        "--latency_table",
        metavar="FILE",
        help="keeps what --latency_ms and --round_to auto measure (a file in the user's caches)",
    )
    choose.add_argument("--threads", type=positive, help="threads that LiteRT may use there (1)")
    choose.add_argument("--min_channels", type=positive, help="keep at least so many a group (1)")
    choose.add_argument(
        "--max_ratio",
        type=cap,
        action="append",
        metavar="[PATTERN=]SHARE",
        help="remove at most this share of a group; 'block1_*=0.3' of the groups of these layers",
    )
    choose.add_argument(
        "--exclude",
        action="append",
        metavar="PATTERN",
        help="layers to leave whole: names or patterns such as 'conv5_*', by commas or repeated",
    )
    choose.add_argument(
        "--include_residual",
        action="store_true",
        default=None,
        help="prune the width of residual streams too (the default)",
    )
    choose.add_argument(
        "--noinclude_residual",
        dest="include_residual",
        action="store_false",
        default=None,
        help="leave the width of residual streams: inner widths only",
    )
    choose.add_argument(
        "--include_inexact",
        action="store_true",
        default=None,
        help="remove channels that layers normalise together too: what stays comes out different",
    )


def _add_targets(targets: argparse._ArgumentGroup) -> None:
    targets.add_argument("--ratio", type=share, help="share of the filters and units removed")
    for name, what in (
        ("macs", "multiply-accumulates"),
        ("parameters", "parameters"),
        ("weight_bytes", "bytes of weights"),
    ):
        targets.add_argument(
            f"--{name}", type=budget, help=f"{what} that may be left: a share or a number"
        )
    targets.add_argument(
        "--latency_ms",
        type=milliseconds,
        metavar="MS",
        help="milliseconds that one inference may take with LiteRT here; the model is timed after",
    )
    targets.add_argument("--plan", metavar="FILE", help="remove what this plan says, made before")


def run(options: argparse.Namespace) -> Outcome:
    """Plans, rebuilds, verifies and saves."""
    chosen = _choices(options)
    _check_files(options)
    ranks, repair, mends_by_data = _lookers(options)
    made = tfprune.PruningPlan.load(options.plan) if options.plan else None
    arrays = read_arrays(options.data) if options.data else None
    model = load_model(options.model, options.unsafe_lambda)
    data = None if arrays is None else inputs_and_labels(arrays, model)
    plan = made or tfprune.plan(model, **chosen, data=data if ranks else None)
    small = tfprune.rebuild(model, plan)
    error = tfprune.verify(model, small, plan)
    if plan.exact and not error <= options.tolerance:  # written so that NaN fails too
        raise ModelError(
            f"expected the smaller model to compute what the masked original does, received a "
            f"relative error of {error:.1e}, more than --tolerance {options.tolerance:g}: nothing "
            "was saved; half-precision models need a larger tolerance"
        )
    if repair:
        small = tfprune.rebuild(model, plan, repair, data if mends_by_data else None)
    save_model(small, options.output)
    if options.save_plan:
        plan.save(options.save_plan)
    mended = f"\n  then repaired by {', '.join(repair)}" if repair else ""
    text = f"{plan}\n\n  {_finding(plan)} {error:.1e}{mended}\n  saved {options.output}"
    document = {
        "model": options.model,
        "output": options.output,
        "relative_error": error,
        "repair": list(repair),
        "plan": plan.as_dict(),
    }
    if options.latency_ms is not None:
        threads = options.threads or 1
        timed = tfprune.latency.check(model, plan, options.latency_table, "litert", threads, small)
        text, document = f"{text}\n  {timed}", {**document, "latency": timed.as_dict()}
    return Outcome(text=text, document=document)


def _lookers(options: argparse.Namespace) -> tuple[bool, tuple[str, ...], bool]:
    """Whether the criterion looks at data; the repairs' names, and whether they do."""
    from tfprune.criteria.registry import looks_at_data
    from tfprune.surgery.repair import get_repairs

    names = split_patterns([options.repair]) if options.repair else ()
    ranks = not options.plan and looks_at_data(options.criterion)
    repairs = get_repairs(names, options.data is not None, spare=ranks)
    return ranks, names, any(each.examples for each in repairs)


def _has_own_ratio(criterion: str | None) -> bool:
    from tfprune.criteria import NaturalCriterion, get
    from tfprune.criteria.registry import looks_at_data, names

    known = criterion in names() and not looks_at_data(criterion)
    return known and isinstance(get(criterion), NaturalCriterion)


def _finding(plan: "tfprune.PruningPlan") -> str:
    if plan.exact:
        return "verified against the masked original: relative error"
    return "not the masked original, by include_inexact: relative distance"


def _choices(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments of `tfprune.plan` that were given, none where a plan was."""
    given = {name: getattr(options, name) for name in _CHOICES}
    given = {name: value for name, value in given.items() if value is not None}
    if options.plan and given:
        mixed = ", ".join(f"--{name}" for name in given)
        raise PlanError(
            f"expected either --plan or the options that make one, received --plan and {mixed}: "
            "leave one of the two out"
        )
    targets = [name for name in _TARGETS if name in given]
    if not options.plan and not targets and not _has_own_ratio(options.criterion):
        raise PlanError("expected what to remove, received neither: add --ratio 0.5 or --plan FILE")
    if len(targets) > 1:
        several = " and ".join(f"--{name}" for name in targets)
        raise PlanError(f"expected exactly one target, received {several}: keep one of them")
    if "exclude" in given:
        given["exclude"] = split_patterns(given["exclude"])
    if "max_ratio" in given:
        caps = dict(given["max_ratio"])
        given["max_ratio"] = caps["*"] if [*caps] == ["*"] else caps
    return given


def cap(text: str) -> tuple[str, float]:
    """Parses what a group may lose at most: a share, or a pattern of layers and their share.

    Example:
        >>> cap("block1_*=0.3"), cap("0.8")
        (('block1_*', 0.3), ('*', 0.8))
    """
    pattern, _, number = text.rpartition("=")
    return pattern or "*", share(number)


def split_patterns(texts: list[str]) -> tuple[str, ...]:
    """Returns the patterns of `--exclude a,b --exclude c` as one tuple.

    Example:
        >>> split_patterns(["a,b", "c"])
        ('a', 'b', 'c')
    """
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _check_files(options: argparse.Namespace) -> None:
    """Refuses what cannot be read or written before the long work starts."""
    check_model_file(options.model)
    check_suffix(options.output)
    check_output(options.output, options.force)
    if options.save_plan:
        check_output(options.save_plan, options.force)
        if Path(options.save_plan).resolve() == Path(options.output).resolve():
            raise FileError(f"expected two files, received {options.output} for model and plan")
