"""The one line of a converter's pages that says what is wrong."""

import re
from collections.abc import Collection

# The converter names the operation and, in the location before it, the path of layers it is in.
_REFUSED = re.compile(
    r'fused\["[^"]*", "(?P<path>[^"@]+)[^\n]*?\'tf\.(?P<op>\w+)\' op is neither a custom op nor'
)
_ILLEGAL = re.compile(
    r'fused\["[^"]*", "(?P<path>[^"@]+)[^\n]*?(?P<text>\'tf\.\w+\' op requires [^\n]*'
    r"|failed to legalize operation '[\w.]+')"
)
_SELECT = re.compile(r"^(?:TF Select|Flex) ops: (?P<names>.+)$", re.MULTILINE)
_CUSTOM = re.compile(r"^Custom ops: (?P<names>.+)$", re.MULTILINE)


def explain(text: str, layers: Collection[str]) -> str:
    """Returns why a conversion failed, in one line.

    Args:
        text: what the converter wrote and raised.
        layers: the names of the model's layers, to name the one that needs a refused operation.

    Example:
        >>> explain("TF Select ops: Erf\\nDetails: ...", [])
        'the model needs SELECT_TF_OPS, which devices lack: FlexErf; replace the layer'
    """
    places = {m["op"]: layer_of(m["path"], layers) for m in _REFUSED.finditer(text)}
    refused = [f"Flex{name}{places.get(name, '')}" for name in _names(_SELECT, text)]
    refused += [f"custom {name}{places.get(name, '')}" for name in _names(_CUSTOM, text)]
    if refused:
        return (
            f"the model needs SELECT_TF_OPS, which devices lack: {', '.join(refused)}; "
            "replace the layer"
        )
    illegal = _ILLEGAL.search(text)
    if illegal:
        return f"{illegal['text']}{layer_of(illegal['path'], layers)}"
    return _first_error(text)


def _names(pattern: re.Pattern[str], text: str) -> list[str]:
    found = {
        name.strip().removeprefix("Flex")
        for match in pattern.finditer(text)
        for name in match["names"].split(",")
    }
    return sorted(found)


def layer_of(path: str, known: Collection[str]) -> str:
    """Returns " from layer ..." for the innermost part of a path that names a layer, or ""."""
    for part in reversed(path.split("/")):
        for name in (part, re.sub(r"_\d+$", "", part)):
            if name in known:
                return f" from layer {name!r}"
    return ""


def _first_error(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    return (telling or lines or ["the converter gave no reason"])[0][:300]
