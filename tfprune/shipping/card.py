"""The card of a model: a page that says what the file is, made from the file alone."""

import json
import os
from collections.abc import Iterator, Mapping

from tfprune.convert.accuracy import Accuracy
from tfprune.convert.preprocessing import Preprocessing
from tfprune.shipping.facts import Facts, Port, read_facts


def render_card(path: str | os.PathLike[str]) -> str:
    """Returns the card of a TFLite file, in Markdown.

    All of it comes from the file, its metadata included, so that a card can be checked against
    its file. Accuracies come with their 95 % interval and the Keras model's on the same samples.

    Raises:
        FileError: the file is missing, damaged, or says nothing of itself.
    """
    facts = read_facts(path)
    parts = [f"# {facts.metadata.title or facts.name}", *_parts(facts)]
    return "\n\n".join(parts) + "\n"


def _parts(facts: Facts) -> Iterator[str]:
    told = facts.metadata
    if told.notes:
        yield told.notes
    yield _table(
        ("", ""),
        [
            ("file", f"`{facts.name}`"),
            ("bytes", f"{facts.bytes:,}"),
            ("SHA-256", f"`{facts.sha256}`"),
            ("multiply-accumulates", f"{told.macs:,}"),
            ("parameters", f"{told.parameters:,}"),
            ("licence", told.license),
            ("made from", told.attribution),
            ("data", told.data),
            *(("accuracy" + _of(n, told.accuracy), _accuracy(a)) for n, a in told.accuracy.items()),
        ],
    )
    yield "## Inputs and outputs"
    head = ("", "name", "shape", "type", "one step", "zero is", "prepared by")
    yield _table(
        head,
        [
            *(
                ("input", *_port(name, port), _how(told.preprocessing.get(name)))
                for name, port in facts.inputs.items()
            ),
            *(("output", *_port(name, port), "") for name, port in facts.outputs.items()),
        ],
    )
    if told.labels:
        yield "Classes, in order: " + ", ".join(told.labels) + "."
    yield "## Operations"
    yield ", ".join(f"{kind} {count}" for kind, count in facts.operations.items()) + "."
    if told.plan:
        yield "## Pruned by"
        yield _plan(told.plan)
    if told.command:
        yield "## Made by"
        yield f"```\n{told.command}\n```"
    yield "## Run"
    yield f"```\npython run.py {facts.name} INPUT\n```"


def _of(name: str, all_of_them: Mapping[str, object]) -> str:
    return f" of `{name}`" if len(all_of_them) > 1 else ""


def _accuracy(accuracy: Accuracy) -> str:
    return str(accuracy).removeprefix("accuracy ")


def _port(name: str, port: Port) -> tuple[str, ...]:
    integer = port.scale > 0
    return (
        f"`{name}`",
        " x ".join(map(str, port.shape)) or "1",
        port.dtype,
        f"{port.scale:.6g}" if integer else "",
        str(port.zero) if integer else "",
    )


def _how(preprocessing: Preprocessing | None) -> str:
    if preprocessing is None:
        return ""
    settings = preprocessing.as_dict()
    kind = settings.pop("kind")
    return f"{kind}: " + ", ".join(f"{key} {value}" for key, value in settings.items())


def _plan(plan: Mapping[str, object]) -> str:
    settings = plan.get("settings")
    asked = json.dumps(settings, sort_keys=True) if settings else "{}"
    return (
        f"Criterion {plan.get('criterion')}, {plan.get('removed', 0):.1%} of the prunable filters "
        f"and units removed; settings `{asked}`; plan `{plan.get('sha256')}` of the model "
        f"`{plan.get('fingerprint')}`."
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    body = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in body]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)
