"""Zero padding before max pooling, written so that LiteRT need not copy the picture.

ResNets pad the stem's output by one pixel and pool it 3 x 3 / 2. In LiteRT that padding is a pass
over the largest tensor of the net, while padding inside a convolution or a pooling costs nothing.

The same values come out if the convolution yields one row and one column more at the end, the
pooling pads by itself ("same", which for an odd size means one pixel on each side), and the last
row and column of the result, the only ones that the additional pixels reach, are cropped. Padding
with nothing instead of zero is the same behind a ReLU. Whether it was right is not taken on trust:
`to_tflite` compares the file with the model as it was.
"""

from typing import TYPE_CHECKING, Any

from tfprune._keras import find_tensors

if TYPE_CHECKING:
    import keras

Entry = dict[str, Any]

_BETWEEN = {"BatchNormalization", "Activation", "ReLU"}


def without_padding_copies(model: "keras.Model") -> "keras.Model":
    """Returns an equal model with the padding inside its neighbours, or `model` if it has none.

    Args:
        model: a built model; it stays as it is.

    Returns:
        A clone with the same weights where the pattern occurs, else the model itself.
    """
    import keras

    if not isinstance(model, keras.Function) or isinstance(model, keras.Sequential):
        return model
    config = model.get_config()
    chains = _chains(config)
    for chain in chains:
        _rewrite(chain)
    if not chains:
        return model
    for entry in config["layers"]:
        entry.pop("build_config", None)  # it holds sizes of old
    try:
        clone = keras.Model.from_config(config)
    except (TypeError, ValueError):  # a custom layer that Keras cannot make anew: no matter
        return model
    clone.set_weights(model.get_weights())
    for new, old in zip(clone.inputs, model.inputs, strict=True):
        new.name = old.name
    return clone


def _chains(config: dict[str, Any]) -> list[list[Entry]]:
    """Padding, convolution, what lies between, padding, pooling: each with one reader only."""
    entries = {entry["name"]: entry for entry in config["layers"]}
    parents = {name: _only_parent(entry) for name, entry in entries.items()}
    read = [name for entry in config["layers"] for name in _reads(entry)]
    found = []
    for pool in config["layers"]:
        chain = [pool]
        while (parent := parents[chain[0]["name"]]) and read.count(parent) == 1:
            chain.insert(0, entries[parent])
            if len(chain) > 3 and chain[0]["class_name"] == "ZeroPadding2D":
                break
        if pool["class_name"] == "MaxPooling2D" and _fits(chain):
            found.append(chain)
    return found


def _reads(entry: Entry) -> list[str]:
    """The names of the layers that a layer reads."""
    return [t["config"]["keras_history"][0] for t in find_tensors(entry["inbound_nodes"])]


def _only_parent(entry: Entry) -> str | None:
    reads = _reads(entry)
    return reads[0] if len(reads) == 1 and len(entry["inbound_nodes"]) == 1 else None


def _fits(chain: list[Entry]) -> bool:
    """Whether the chain is the pattern, in all that matters."""
    if len(chain) < 4 or [e["class_name"] for e in chain[:2]] != ["ZeroPadding2D", "Conv2D"]:
        return False
    convolution, between, padding, pool = chain[1], chain[2:-2], chain[-2], chain[-1]
    wanted = (
        (convolution, {"padding": "valid", "dilation_rate": (1, 1)}),
        (pool, {"padding": "valid", "pool_size": (3, 3), "strides": (2, 2)}),
    )
    if any(
        _plain(entry["config"][key]) != value for entry, s in wanted for key, value in s.items()
    ):
        return False
    if padding["class_name"] != "ZeroPadding2D" or {e["class_name"] for e in between} - _BETWEEN:
        return False
    if _plain(padding["config"]["padding"]) != ((1, 1), (1, 1)):
        return False
    if any(e["config"].get("data_format") == "channels_first" for e in chain):
        return False
    _, height, width, _ = next(find_tensors(padding["inbound_nodes"]))["config"]["shape"]
    even = all(size is not None and size % 2 == 0 for size in (height, width))
    return even and _never_negative((between or [convolution])[-1])


def _never_negative(entry: Entry) -> bool:
    config = entry["config"]
    if entry["class_name"] == "ReLU":
        return not config["negative_slope"] and not config["threshold"]
    return config.get("activation") == "relu"


def _rewrite(chain: list[Entry]) -> None:
    """Moves the padding into the pooling; the two layers keep their names and change places."""
    stem, convolution, padding, pool = chain[0], chain[1], chain[-2], chain[-1]
    (top, bottom), (left, right) = stem["config"]["padding"]
    down, across = convolution["config"]["strides"]
    stem["config"]["padding"] = ((top, bottom + down), (left, right + across))
    names = padding["config"]["name"], pool["config"]["name"]
    padding.update(class_name="MaxPooling2D", config={**pool["config"], "padding": "same"})
    padding["config"]["name"] = names[0]
    pool.update(class_name="Cropping2D", config={"name": names[1], "cropping": ((0, 1), (0, 1))})


def _plain(value: Any) -> Any:
    """Lists as tuples, as deep as they go."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
